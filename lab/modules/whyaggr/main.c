// SPDX-License-Identifier: GPL-2.0 OR MIT
/* One interface in one group; "remove" written to /proc/whyaggr takes it out, as an administrator would. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "whyaggr.h"

static struct mac net0;
static struct aggr_group aggr1 = {
	.name = "aggr1",
	.lock = __RWSEM_INITIALIZER(aggr1.lock),
};

/* One packet arrives; an interrupt thread of a driver would receive it. */
static STEP int net_interrupt(void *mac)
{
	struct packet packet = { "segment 1" };

	mac_rx(mac, &packet);
	return 0;
}

/* Whoever looks at the counters while the ports change waits too, and holds nothing. */
static STEP int show_counters(void *group)
{
	pr_info("whyaggr: %lu bytes sent\n", aggr_group_stat(group));
	return 0;
}

static STEP int aggr_ioc_remove(struct aggr_group *group)
{
	struct task_struct *thread = kthread_run(net_interrupt, &net0, "net0-rx");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	return aggr_group_rem_ports(group);
}

static ssize_t whyaggr_write(struct file *file, const char __user *from, size_t count, loff_t *position)
{
	struct task_struct *thread;
	char word[16] = "";
	int error = -EINVAL;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, from, count))
		return -EFAULT;
	strim(word);
	if (!strcmp(word, "remove")) {
		error = aggr_ioc_remove(&aggr1);
	} else if (!strcmp(word, "count")) {
		thread = kthread_run(show_counters, &aggr1, "aggr-stat");
		error = PTR_ERR_OR_ZERO(thread);
	}
	return error ? error : count;
}

static const struct proc_ops whyaggr_ops = {
	.proc_write = whyaggr_write,
};

static int __init whyaggr_init(void)
{
	mac_init(&net0, "net0");
	if (aggr_group_add_port(&aggr1, &net0))
		return -ENOMEM;
	return proc_create("whyaggr", 0200, NULL, &whyaggr_ops) ? 0 : -ENOMEM;
}

/* Threads of it may still wait: it stays. */
module_init(whyaggr_init);
MODULE_DESCRIPTION("Aggregated links with a wrong order of locks");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
