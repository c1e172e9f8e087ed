// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Writing a name of failures.list to /proc/@NAME@ makes it happen, in the context of the writer. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "@NAME@.h"

struct failure {
	const char *name;
	int (*provoke)(void);
};

/* failures.h is made from failures.list: one FAILURE(name) a line. */
#define FAILURE(name) int @NAME@_##name(void);
#include "failures.h"
#undef FAILURE

#define FAILURE(name) { #name, @NAME@_##name },
static const struct failure failures[] = {
#include "failures.h"
};
#undef FAILURE

static ssize_t @NAME@_write(struct file *file, const char __user *from, size_t count, loff_t *position)
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

static const struct proc_ops @NAME@_ops = {
	.proc_write = @NAME@_write,
};

static int __init @NAME@_init(void)
{
	return proc_create("@NAME@", 0200, NULL, &@NAME@_ops) ? 0 : -ENOMEM;
}

static void __exit @NAME@_exit(void)
{
	remove_proc_entry("@NAME@", NULL);
}

module_init(@NAME@_init);
module_exit(@NAME@_exit);
MODULE_DESCRIPTION("Fails in one chosen way");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
