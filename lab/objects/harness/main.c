// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What all architectures have in common; the rest is in the file of each. */
#include "harness.h"

static void report(const struct machine *machine);

#include ARCH

static char line[65536];
static unsigned int used;

void text(const char *text)
{
	while (*text && used < sizeof(line))
		line[used++] = *text++;
}

static void number(unsigned long value, int digits, unsigned int base, char fill)
{
	char digit[32];
	int count = 0;
	char one[2] = "";

	do {
		digit[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count < digits)
		digit[count++] = fill;
	while (count) {
		one[0] = digit[--count];
		text(one);
	}
}

void hex(unsigned long value, int digits)
{
	number(value, digits, 16, '0');
}

void decimal(unsigned long value, int digits)
{
	number(value, digits, 10, ' ');
}

const struct symbol *find(unsigned long address)
{
	const struct symbol *found = NULL, *symbol;

	for (symbol = symbols; symbol->address; symbol++) {
		if (symbol->address <= address)
			found = symbol;
	}
	/* The last one is the end of all code. */
	return found && found[1].address ? found : NULL;
}

/* As kernels do: a function ends where the next begins. */
void symbol(unsigned long address)
{
	const struct symbol *symbol = find(address);

	if (!symbol) {
		text("0x");
		hex(address, 1);
		return;
	}
	text(symbol->name);
	text("+0x");
	hex(address - symbol->address, 1);
	text("/0x");
	hex(symbol[1].address - symbol->address, 1);
	if (symbol->module)
		text(" [whycross]");
}

static void report(const struct machine *machine)
{
	print_oops(machine);
	text("---[ end trace 0000000000000000 ]---\n");
	system_call(CALL_WRITE, 1, (long)line, used, 0);
	system_call(CALL_EXIT, 0, 0, 0, 0);
}

/* What the module asks for. */

static unsigned long heap[8192];
static void (*packet_came)(void);

void *__kmalloc(size_t size, gfp_t flags)
{
	static size_t given;
	void *memory = &heap[given / sizeof(heap[0])];

	given += (size + 63) & ~63ul;
	return given <= sizeof(heap) ? memory : NULL;
}

void when_packet_comes(void (*poll)(void))
{
	packet_came = poll;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *byte = to;

	while (size--)
		*byte++ = value;
	return to;
}

int init_module(void);

STEP static void harness_softirq(void)
{
	packet_came();
	__asm__ volatile("" : : : "memory");
}

/* The stack is ours, not the system's, and so every run is the same. */
unsigned char stack[16384] __attribute__((aligned(16384)));

__attribute__((used)) void harness_main(void)
{
	catch_faults();
	if (init_module() == 0)
		harness_softirq();
	system_call(CALL_EXIT, 1, 0, 0, 0);
}
