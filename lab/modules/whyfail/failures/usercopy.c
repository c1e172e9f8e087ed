// SPDX-License-Identifier: GPL-2.0 OR MIT
/* More bytes than the object has are copied to user space: hardened usercopy stops it. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "whyfail.h"

static STEP unsigned long secret_show(void __user *to, char *secret, size_t length)
{
	unsigned long left = copy_to_user(to, secret, length);

	KEEP_FRAME();
	return left;
}

WHYFAIL(usercopy)
{
	size_t length = 256;
	unsigned long address, left;
	char *secret;

	OPTIMIZER_HIDE_VAR(length);
	address = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(address))
		return -ENOMEM;
	secret = kzalloc(64, GFP_KERNEL);
	if (!secret)
		return -ENOMEM;
	left = secret_show((void __user *)address, secret, length);
	kfree(secret);
	return left != 0;
}
