/* What a kernel has and a module lacks. */
#include "bond.h"

const char linux_banner[] = "Linux version 6.1.0-test (builder@host) (gcc 12.2.0) #1 SMP\n";
const char linux_proc_banner[] = "%s version %s (builder@host) (gcc 12.2.0) %s\n";

static char heap[4096];

void *kmalloc(size_t size, int flags)
{
	return size > sizeof(heap) ? NULL : heap + flags % 16;
}

void dev_add_pack(struct packet_type *pt)
{
	pt->list.next = &pt->list;
}

int printk(const char *format, ...)
{
	return format[0];
}
