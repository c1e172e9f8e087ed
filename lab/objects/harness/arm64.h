/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* arm64, in the form of Linux 6.1. */
#define CALL_WRITE 64
#define CALL_EXIT 94
#define CALL_SIGACTION 134

__asm__(".globl start\n.type start, %function\nstart:\n"
	"	adrp	x0, stack + 16384\n"
	"	add	x0, x0, :lo12:stack + 16384\n"
	"	mov	sp, x0\n"
	"	mov	x29, #0\n"
	"	mov	x30, #0\n"
	"	bl	harness_main\n"
	"	brk	#0\n");

static long system_call(long call, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = call;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

struct context {
	unsigned char before[176];	/* flags, link, stack, mask */
	unsigned long fault_address;
	unsigned long regs[31];
	unsigned long sp, pc, pstate;
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
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} action = { .flags = 4 /* SA_SIGINFO */ };

	action.handler = handler;
	system_call(CALL_SIGACTION, 11, (long)&action, 0, 8);
}

static void print_oops(const struct machine *machine)
{
	const struct context *context = (void *)((unsigned char *)machine->gpr - 184);
	const unsigned int *code = (void *)machine->pc;
	unsigned long *frame = (void *)machine->gpr[29];
	/*
	 * User space is not told the syndrome. A load or store register instruction reads if its bit 22 is set; the
	 * rest is that of a page that is not there.
	 */
	unsigned int esr = 0x96000007 | (*code & 1u << 22 ? 0 : 0x40);
	int i;

	text("Unable to handle kernel NULL pointer dereference at virtual address ");
	hex(machine->bad, 16);
	text("\nMem abort info:\n  ESR = 0x");
	hex(esr, 16);
	text("\n  EC = 0x25: DABT (current EL), IL = 32 bits\n  SET = 0, FnV = 0\n  EA = 0, S1PTW = 0\n"
	     "  FSC = 0x07: level 3 translation fault\nData abort info:\n  ISV = 0, ISS = 0x");
	hex(esr & 0xffffff, 8);
	text("\n  CM = 0, WnR = ");
	decimal(esr >> 6 & 1, 1);
	text("\nInternal error: Oops: ");
	hex(esr, 16);
	text(" [#1] SMP\nModules linked in: whycross(O)\n"
	     "CPU: 0 PID: 7 Comm: harness Tainted: G           O       qemu-user #1\npstate: ");
	hex(context->pstate, 8);
	text(" (");
	for (i = 0; i < 4; i++) {
		char flag[2] = { (context->pstate >> (31 - i) & 1 ? "NZCV" : "nzcv")[i] };

		text(flag);
	}
	text(" daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)\npc : ");
	symbol(machine->pc);
	text("\nlr : ");
	symbol(machine->gpr[30]);
	text("\nsp : ");
	hex(context->sp, 16);
	text("\n");
	for (i = 29; i >= 0; i--) {
		text(i % 3 == 2 ? "x" : " x");
		decimal(i, 1);
		text(i < 10 ? " : " : ": ");
		hex(machine->gpr[i], 16);
		if (i % 3 == 0)
			text("\n");
	}
	text("Call trace:\n ");
	symbol(machine->pc);
	text("\n");
	while (frame && frame[1]) {
		text(" ");
		symbol(frame[1]);
		text("\n");
		frame = (void *)frame[0];
	}
	text("Code: ");
	for (i = -4; i < 1; i++) {
		text(i ? "" : "(");
		hex(code[i], 8);
		text(i ? " " : ") ");
	}
	text("\n");
}
