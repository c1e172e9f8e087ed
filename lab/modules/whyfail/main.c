// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Writing the name of a failure to /proc/whyfail makes it happen, in the context of the writer. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "whyfail.h"

struct failure {
	const char *name;
	int (*provoke)(void);
};

/* failures.h is made from failures.list: one FAILURE(name) a line. */
#define FAILURE(name) int whyfail_##name(void);
#include "failures.h"
#undef FAILURE

#define FAILURE(name) { #name, whyfail_##name },
static const struct failure failures[] = {
#include "failures.h"
};
#undef FAILURE

static ssize_t whyfail_write(struct file *file, const char __user *from, size_t count, loff_t *position)
{
	char name[32] = "";
	size_t i;
	int error;

	if (count >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, from, count))
		return -EFAULT;
	strim(name);
	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		if (strcmp(failures[i].name, name))
			continue;
		error = failures[i].provoke();
		return error ? error : count;
	}
	return -ENOENT;
}

static const struct proc_ops whyfail_ops = {
	.proc_write = whyfail_write,
};

static int __init whyfail_init(void)
{
	return proc_create("whyfail", 0200, NULL, &whyfail_ops) ? 0 : -ENOMEM;
}

static void __exit whyfail_exit(void)
{
	remove_proc_entry("whyfail", NULL);
}

module_init(whyfail_init);
module_exit(whyfail_exit);
MODULE_DESCRIPTION("Fails in one chosen way");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
