// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A node of a gate is taken for a node of a clock: the pointer is read from before the node. */
#include "whyptr.h"

struct node {
	struct node *next;
	u32 kind;
};

struct oscillator {
	u64 started_at;
	u32 hertz;
	u32 drift;
};

struct clock {
	u64 ticks;
	struct oscillator *oscillator;
	struct node node;
};

struct gate {
	char label[16];
	struct node node;
	u32 width;
};

static struct oscillator quartz = { .hertz = 32768 };
static struct clock tower_clock = { .node.kind = 1 };
static struct gate north_gate = { .label = "north_gate_1802", .node.kind = 2, .width = 7 };

static STEP void clock_attach(struct clock *clock, struct oscillator *oscillator)
{
	clock->oscillator = oscillator;
}

static STEP u32 node_rate(struct node *node)
{
	struct clock *clock = container_of(node, struct clock, node);

	return clock->oscillator->hertz + node->kind;
}

static STEP u32 nodes_rate(struct node *node)
{
	u32 sum = 0;

	for (; node; node = node->next)
		sum += node_rate(node);
	return sum;
}

WHYPTR(wrong_container)
{
	u32 sum;

	clock_attach(&tower_clock, &quartz);
	tower_clock.node.next = &north_gate.node;
	sum = nodes_rate(&tower_clock.node);
	KEEP_FRAME();
	return sum ? 0 : -EINVAL;
}
