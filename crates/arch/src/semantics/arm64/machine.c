/*
 * Executes single instructions on an arm64 CPU and tells what they did, as ../oracle/machine.c does
 * for other CPUs and with the same requests and answers:
 *
 *     aarch64-linux-gnu-gcc -O1 -static -o machine machine.c
 *     WHY_MACHINE="qemu-aarch64 -cpu max ./machine" WHY_CODE=list \
 *         cargo test -p arch record_arm64 -- --nocapture
 *
 * A branch is to go 32 bytes on.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* x0 to x30, sp, flags. */
#define REGISTERS 33
#define SIZE 0x1000
#define MEMORY ((unsigned char *)0x20000000)
#define PLACE ((unsigned char *)0x30000400)
/* N, Z, C, V. */
#define FLAGS 0xf0000000

static struct block {
	uint64_t in[REGISTERS], out[REGISTERS], marker, saved[16];
} block;

#define MIDDLE(X) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) \
	X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30)
#define SAVED(X) X(19, 0) X(20, 1) X(21, 2) X(22, 3) X(23, 4) X(24, 5) X(25, 6) X(26, 7) X(27, 8) X(28, 9) \
	X(29, 10) X(30, 11)
#define SAVE(r, n) "str x" #r ", [x0, #67*8+8*" #n "]\n"
#define RESTORE(r, n) "ldr x" #r ", [x0, #67*8+8*" #n "]\n"
#define LOAD(r) "ldr x" #r ", [x0, #8*" #r "]\n"
#define STORE(r) "str x" #r ", [x0, #33*8+8*" #r "]\n"
/* The register that holds the block after the instruction takes the place of one that is kept in the
 * thread pointer meanwhile. */
#define TAKE "msr tpidr_el0, x0\n ldr x0, 9f\n str x1, [x0, #34*8]\n"

asm(".globl template, template_end, hole\n"
    "template:\n" SAVED(SAVE) "mov x1, sp\n str x1, [x0, #79*8]\n mrs x1, tpidr_el0\n str x1, [x0, #80*8]\n"
    "ldr x1, [x0, #31*8]\n mov sp, x1\n ldr x1, [x0, #32*8]\n msr nzcv, x1\n" MIDDLE(LOAD)
    "ldr x1, [x0, #8]\n ldr x0, [x0]\n"
    "hole: nop\n" TAKE "mov x1, #0\n b 1f\n nop\n nop\n"
    TAKE "mov x1, #1\n"
    "1: str x1, [x0, #66*8]\n" MIDDLE(STORE) "mrs x1, nzcv\n str x1, [x0, #65*8]\n mov x1, sp\n str x1, [x0, #64*8]\n"
    "mrs x1, tpidr_el0\n str x1, [x0, #33*8]\n"
    "ldr x1, [x0, #79*8]\n mov sp, x1\n ldr x1, [x0, #80*8]\n msr tpidr_el0, x1\n" SAVED(RESTORE) "ret\n"
    ".balign 8\n9: .quad 0\n template_end: nop\n");
extern unsigned char template[], template_end[], hole[];

static unsigned char filler(unsigned seed, unsigned i)
{
	return i * 167 + (i >> 3) * 29 + seed * 101 + 13;
}

int main(void)
{
	static char line[4096];
	int protection = PROT_READ | PROT_WRITE, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	mmap(MEMORY, SIZE, protection, how, -1, 0);
	mmap(PLACE - 0x400, SIZE, protection | PROT_EXEC, how, -1, 0);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned i, seed, byte;
		int used, at = 0;
		unsigned char *start = PLACE - (hole - template), *end = start + (template_end - template);
		memcpy(start, template, template_end - template);
		*(uint64_t *)(end - 8) = (uint64_t)&block;
		for (i = 0; line[at] != ' ' && sscanf(line + at, "%2x", &byte) == 1; i++, at += 2)
			PLACE[i] = byte;
		__builtin___clear_cache((char *)start, (char *)end);
		sscanf(line + at, "%x%n", &seed, &used);
		for (at += used, i = 0; i < REGISTERS; i++, at += used)
			sscanf(line + at, "%lx%n", &block.in[i], &used);
		for (i = 0; i < SIZE; i++)
			MEMORY[i] = filler(seed, i);
		uint64_t flags = block.in[32];
		((void (*)(struct block *))start)(&block);
		block.out[32] = (block.out[32] & FLAGS) | (flags & ~(uint64_t)FLAGS);
		for (i = 0; i < REGISTERS; i++)
			printf("%lx ", block.out[i]);
		printf("%d", (int)block.marker);
		for (i = 0; i < SIZE; i++)
			if (MEMORY[i] != filler(seed, i))
				printf(" %x=%02x", i, MEMORY[i]);
		printf("\n");
		fflush(stdout);
	}
}
