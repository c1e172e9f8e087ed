/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* riscv64, in the form of Linux 6.12. */
#define CALL_WRITE 64
#define CALL_EXIT 94
#define CALL_SIGACTION 134

__asm__(".globl start\n.type start, %function\nstart:\n"
	"	la	sp, stack\n"
	"	li	t0, 16384\n"
	"	add	sp, sp, t0\n"
	"	li	fp, 0\n"
	"	li	ra, 0\n"
	"	li	gp, 0\n"
	"	call	harness_main\n"
	"	ebreak\n");

static long system_call(long call, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = call;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}

struct context {
	unsigned char before[176];	/* flags, link, stack, mask */
	unsigned long regs[32];		/* pc in the place of x0 */
};

static void handler(int signal, unsigned char *info, struct context *context)
{
	struct machine machine = {
		.gpr = context->regs, .pc = context->regs[0], .bad = *(unsigned long *)(info + 16),
	};

	report(&machine);
}

static void catch_faults(void)
{
	static struct {
		void *handler;
		unsigned long flags;
		unsigned long mask;
	} action = { .flags = 4 /* SA_SIGINFO */ };

	action.handler = handler;
	system_call(CALL_SIGACTION, 11, (long)&action, 0, 8);
}

static void print_oops(const struct machine *machine)
{
	static const char names[][4] = {
		"epc", "ra ", "sp ", "gp ", "tp ", "t0 ", "t1 ", "t2 ", "s0 ", "s1 ", "a0 ", "a1 ", "a2 ", "a3 ", "a4 ",
		"a5 ", "a6 ", "a7 ", "s2 ", "s3 ", "s4 ", "s5 ", "s6 ", "s7 ", "s8 ", "s9 ", "s10", "s11", "t3 ", "t4 ",
		"t5 ", "t6 ",
	};
	const unsigned short *code = (void *)machine->pc;
	unsigned long pc = machine->pc;
	unsigned long *frame = (void *)machine->gpr[8];
	int i;

	text("Unable to handle kernel access to user memory without uaccess routines at virtual address ");
	hex(machine->bad, 16);
	text("\nOops [#1]\nModules linked in: whycross(O)\n"
	     "CPU: 0 UID: 0 PID: 7 Comm: harness Tainted: G           O       qemu-user #1\n"
	     "Tainted: [O]=OOT_MODULE\nepc : ");
	symbol(machine->pc);
	text("\n ra : ");
	symbol(machine->gpr[1]);
	for (i = 0; i < 32; i++) {
		text(i % 3 ? " " : i ? "\n " : "\n");
		text(names[i]);
		text(i ? ": " : " : ");
		hex(machine->gpr[i], 16);
	}
	/* User space is not told the first and the last: a kernel with interrupts on, and a load that faults. */
	text("\nstatus: 0000000200000120 badaddr: ");
	hex(machine->bad, 16);
	text(" cause: 000000000000000d\n");
	while (pc) {
		text("[<");
		hex(pc, 16);
		text(">] ");
		symbol(pc);
		text("\n");
		pc = frame ? frame[-1] : 0;
		frame = frame ? (void *)frame[-2] : NULL;
	}
	text("Code: ");
	for (i = -10; i < 2; i++) {
		text(i ? "" : "(");
		hex(code[i], 4);
		text(i ? " " : ") ");
	}
	text("\n");
}
