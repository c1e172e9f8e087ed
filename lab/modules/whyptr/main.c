// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Writing the name of a bad pointer to /proc/whyptr makes it be followed, in the context of the writer. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "whyptr.h"

struct failure {
	const char *name;
	int (*provoke)(void);
};

/* failures.h is made from failures.list: one FAILURE(name) a line. */
#define FAILURE(name) int whyptr_##name(void);
#include "failures.h"
#undef FAILURE

#define FAILURE(name) { #name, whyptr_##name },
static const struct failure failures[] = {
#include "failures.h"
};
#undef FAILURE

static ssize_t whyptr_write(struct file *file, const char __user *from, size_t count, loff_t *position)
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

static const struct proc_ops whyptr_ops = {
	.proc_write = whyptr_write,
};

static int __init whyptr_init(void)
{
	return proc_create("whyptr", 0200, NULL, &whyptr_ops) ? 0 : -ENOMEM;
}

static void __exit whyptr_exit(void)
{
	remove_proc_entry("whyptr", NULL);
}

module_init(whyptr_init);
module_exit(whyptr_exit);
MODULE_DESCRIPTION("Follows one chosen bad pointer");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
