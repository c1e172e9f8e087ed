/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* mips64, in the form of Linux 6.1. */
#define CALL_WRITE 5001
#define CALL_EXIT 5205
#define CALL_SIGACTION 5013

__asm__(".set noreorder\n.globl start\n.type start, @function\nstart:\n"
	"	lui	$sp, %hi(stack + 16384)\n"
	"	daddiu	$sp, $sp, %lo(stack + 16384)\n"
	"	move	$ra, $zero\n"
	"	lui	$25, %hi(harness_main)\n"
	"	daddiu	$25, $25, %lo(harness_main)\n"
	"	jalr	$25\n"
	"	nop\n"
	"	break\n"
	".set reorder\n");

static long system_call(long call, long a, long b, long c, long d)
{
	register long v0 __asm__("$2") = call;
	register long a0 __asm__("$4") = a;
	register long a1 __asm__("$5") = b;
	register long a2 __asm__("$6") = c;
	register long a3 __asm__("$7") = d;

	__asm__ volatile("syscall" : "+r"(v0), "+r"(a3) : "r"(a0), "r"(a1), "r"(a2)
			 : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25");
	return v0;
}

struct context {
	unsigned char before[40];	/* flags, link, stack */
	unsigned long regs[32];
	unsigned long floats[32];
	unsigned long hi[4], lo[4];
	unsigned long pc;
};

static void handler(int signal, unsigned char *info, struct context *context)
{
	struct machine machine = {
		.gpr = context->regs, .pc = context->pc, .bad = *(unsigned long *)(info + 16),
	};

	report(&machine);
}

static void catch_faults(void)
{
	static struct {
		unsigned int flags;
		void *handler;
		unsigned long mask[2];
	} action = { .flags = 8 /* SA_SIGINFO */ };

	action.handler = handler;
	system_call(CALL_SIGACTION, 11, (long)&action, 0, 16);
}

/* As the kernel does without debug info: the function's own code tells its frame and where it keeps ra. */
static unsigned long caller(unsigned long pc, unsigned long *sp, unsigned long ra)
{
	const struct symbol *function = find(pc);
	const unsigned int *code;
	unsigned long size = 0;
	long kept = -1;

	if (!function)
		return 0;
	for (code = (void *)function->address; code < (const unsigned int *)pc; code++) {
		if (*code >> 16 == 0x67bd && (short)*code < 0)		/* daddiu sp,sp,-size */
			size = -(short)*code;
		else if (*code >> 16 == 0xffbf && kept < 0)		/* sd ra,kept(sp) */
			kept = (short)*code;
		else if (*code >> 16 == 0x67bd)
			break;
	}
	if (kept >= 0)
		ra = *(unsigned long *)(*sp + kept);
	*sp += size;
	return ra;
}

static void print_oops(const struct machine *machine)
{
	const struct context *context = (void *)((unsigned char *)machine->gpr - 40);
	const unsigned int *code = (void *)machine->pc;
	unsigned long sp = machine->gpr[29];
	unsigned long pc = machine->pc;
	unsigned long ra = machine->gpr[31];
	const unsigned long *word = (void *)sp;
	int i;

	text("CPU 0 Unable to handle kernel paging request at virtual address ");
	hex(machine->bad, 16);
	text(", epc == ");
	hex(machine->pc, 16);
	text(", ra == ");
	hex(ra, 16);
	text("\nOops[#1]:\nCPU: 0 PID: 7 Comm: harness Tainted: G           O       qemu-user #1\n");
	for (i = 0; i < 32; i++) {
		if (i % 4 == 0) {
			text("$");
			decimal(i, 2);
			text("   :");
		}
		if (i == 26 || i == 27) {
			text("                 ");
		} else {
			text(" ");
			hex(i ? machine->gpr[i] : 0, 16);
		}
		if (i % 4 == 3)
			text("\n");
	}
	text("Hi    : ");
	hex(context->hi[0], 16);
	text("\nLo    : ");
	hex(context->lo[0], 16);
	text("\nepc   : ");
	hex(pc, 16);
	text(" ");
	symbol(pc);
	text("\nra    : ");
	hex(ra, 16);
	text(" ");
	symbol(ra);
	/* User space is not told the cause: a load from a page that is not there. */
	text("\nCause : 00800008 (ExcCode 02)\nBadVA : ");
	hex(machine->bad, 16);
	text("\nModules linked in: whycross(O)\nStack :");
	for (i = 0; (unsigned char *)word < stack + sizeof(stack); i++) {
		if (i && i % 4 == 0)
			text("\n        ");
		if (i > 39) {
			text(" ...");
			break;
		}
		text(" ");
		hex(*word++, 16);
	}
	text("\nCall Trace:\n");
	do {
		text("[<");
		hex(pc, 16);
		text(">] ");
		symbol(pc);
		text("\n");
		pc = caller(pc, &sp, ra);
		ra = 0;
	} while (pc);
	text("\nCode:");
	for (i = -3; i < 6; i++) {
		text(i ? " " : "<");
		hex(code[i], 8);
		text(i ? " " : ">");
	}
	text("\n\n");
}
