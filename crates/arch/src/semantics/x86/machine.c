/*
 * Executes single instructions on an x86_64 CPU and tells what they did, as ../oracle/machine.c does
 * for other CPUs and with the same requests and answers:
 *
 *     gcc -O1 -no-pie -o machine machine.c
 *     WHY_MACHINE=./machine WHY_CODE=list cargo test -p arch record_x86_64 -- --nocapture
 *
 * A branch is to go 32 bytes on. With -DNARROW it executes 32-bit code, for record_i386.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef NARROW
#define REGISTERS 9
#else
#define REGISTERS 17
#endif
#define SIZE 0x1000
#define MEMORY ((unsigned char *)0x20000000)
#define PLACE ((unsigned char *)0x30000400)
/* CF, PF, AF, ZF, SF, OF: the others are those of the process. */
#define FLAGS 0x8d5

uint64_t in[REGISTERS], out[REGISTERS], saved[16], marker;

#define ALL(X) X("%rax", 0) X("%rcx", 1) X("%rdx", 2) X("%rbx", 3) X("%rsp", 4) X("%rbp", 5) X("%rsi", 6) \
	X("%rdi", 7) X("%r8", 8) X("%r9", 9) X("%r10", 10) X("%r11", 11) X("%r12", 12) X("%r13", 13) \
	X("%r14", 14) X("%r15", 15)
#define SAVE(r, n) "mov " r ", saved+8*" #n "\n"
#define RESTORE(r, n) "mov saved+8*" #n ", " r "\n"
#define LOAD(r, n) "mov in+8*" #n ", " r "\n"
#define STORE(r, n) "mov " r ", out+8*" #n "\n"

#ifdef NARROW
#define PARTS(X) X("%eax", 0) X("%ecx", 1) X("%edx", 2) X("%ebx", 3) X("%esp", 4) X("%ebp", 5) X("%esi", 6) \
	X("%edi", 7)
/* By way of the selectors of Linux for 32-bit and 64-bit programs. */
asm(".globl enter, template, template_end\n"
    "enter:\n" ALL(SAVE) "mov $0x2b, %eax\n mov %eax, %ds\n mov %eax, %es\n ljmp *narrow\n.code32\n"
    "begin: mov $stack, %esp\n push in+8*8\n popf\n" PARTS(LOAD) "jmp *place\n"
    "template: .skip 16, 0x90\n movl $0, marker\n .skip 0x26, 0x90\n jmp *leave\n"
    "template_end: nop\n"
    "done:\n" PARTS(STORE) "mov $stack, %esp\n pushf\n pop out+8*8\n cld\n ljmp *wide\n.code64\n"
    "end:\n" ALL(RESTORE) "ret\n"
    ".data\n.balign 8\nplace: .quad 0x30000400\nleave: .quad done\nnarrow: .long begin, 0x23\n"
    "wide: .long end, 0x33\n.skip 64\nstack: .quad 0\n.text\n");
#else
asm(".globl enter, template, template_end\n"
    "enter:\n" ALL(SAVE) "push in+8*16\n popf\n" ALL(LOAD) "jmp *place\n"
    "template: .skip 16, 0x90\n movl $0, marker\n .skip 0x26, 0x90\n jmp *leave\n"
    "template_end: nop\n"
    "done:\n" ALL(STORE) "mov saved+8*4, %rsp\n pushf\n pop out+8*16\n cld\n" ALL(RESTORE) "ret\n"
    ".data\n.balign 8\nplace: .quad 0x30000400\nleave: .quad done\n.text\n");
#endif
extern unsigned char template[], template_end[];
void enter(void);

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
		memcpy(PLACE, template, template_end - template);
		for (i = 0; line[at] != ' ' && sscanf(line + at, "%2x", &byte) == 1; i++, at += 2)
			PLACE[i] = byte;
		sscanf(line + at, "%x%n", &seed, &used);
		for (at += used, i = 0; i < REGISTERS; i++, at += used)
			sscanf(line + at, "%lx%n", &in[i], &used);
		for (i = 0; i < SIZE; i++)
			MEMORY[i] = filler(seed, i);
		uint64_t flags = in[REGISTERS - 1];
		in[REGISTERS - 1] = (flags & FLAGS) | 0x202;
		marker = 1;
		enter();
		uint64_t kept = out[REGISTERS - 1] & FLAGS;
		out[REGISTERS - 1] = kept | (flags & ~(uint64_t)FLAGS);
		for (i = 0; i < REGISTERS; i++)
			printf("%lx ", out[i]);
		printf("%d", (int)marker);
		for (i = 0; i < SIZE; i++)
			if (MEMORY[i] != filler(seed, i))
				printf(" %x=%02x", i, MEMORY[i]);
		printf("\n");
		fflush(stdout);
	}
}
