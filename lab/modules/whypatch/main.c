// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Writing a name to /proc/whypatch makes a bad pointer be followed through code that the kernel has rewritten. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "whypatch.h"

struct failure {
	const char *name;
	int (*provoke)(void);
};

/* failures.h is made from failures.list: one FAILURE(name) a line. */
#define FAILURE(name) int whypatch_##name(void);
#include "failures.h"
#undef FAILURE

#define FAILURE(name) { #name, whypatch_##name },
static const struct failure failures[] = {
#include "failures.h"
};
#undef FAILURE

static ssize_t whypatch_write(struct file *file, const char __user *from, size_t count, loff_t *position)
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

static const struct proc_ops whypatch_ops = {
	.proc_write = whypatch_write,
};

static int __init whypatch_init(void)
{
	return proc_create("whypatch", 0200, NULL, &whypatch_ops) ? 0 : -ENOMEM;
}

static void __exit whypatch_exit(void)
{
	remove_proc_entry("whypatch", NULL);
}

module_init(whypatch_init);
module_exit(whypatch_exit);
MODULE_DESCRIPTION("Follows a bad pointer through rewritten code");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
