/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the sources here use of a kernel's headers, and nothing else: they build for every architecture. */
#ifndef SHIM_H
#define SHIM_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned long size_t;
typedef unsigned int gfp_t;
typedef _Bool bool;

#define NULL ((void *)0)
#define ENOMEM 12
#define GFP_KERNEL 0xcc0u
#define __GFP_ZERO 0x100u

/* Compiled as if each were in a file of its own, as those of modules/whyptr. */
#define STEP __attribute__((__noinline__, __noipa__))

#define MODULE_NAME(text)	\
	static const char modinfo_name[] __attribute__((section(".modinfo"), used, aligned(1))) = "name=" text

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }

#define container_of(pointer, type, member) \
	((type *)((void *)(pointer) - __builtin_offsetof(type, member)))

#define list_for_each_entry(entry, head, member)						\
	for (entry = container_of((head)->next, __typeof__(*entry), member);			\
	     &entry->member != (head);								\
	     entry = container_of(entry->member.next, __typeof__(*entry), member))

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	struct list_head *last = head->prev;

	head->prev = entry;
	entry->next = head;
	entry->prev = last;
	last->next = entry;
}

static inline void *memcpy(void *to, const void *from, size_t size)
{
	return __builtin_memcpy(to, from, size);
}

/* What a module asks of its kernel; here the harness is the kernel. */
void *__kmalloc(size_t size, gfp_t flags);
void when_packet_comes(void (*poll)(void));

static inline void *kcalloc(size_t count, size_t size, gfp_t flags)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return __kmalloc(bytes, flags | __GFP_ZERO);
}

#endif
