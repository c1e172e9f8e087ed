/*
 * Executes single instructions and tells what they did.
 *
 * The decoders' vectors are recorded with this program under qemu-user (../oracle.rs says
 * how). One request a line, numbers in hexadecimal:
 *
 *     code seed register...
 *
 * where code is up to eight bytes in the order of memory, and seed fills the memory that the
 * instruction may use. One answer a line: every register after it, the marker (1 when the code
 * jumped over the instruction behind it), and each changed byte as offset=value. An instruction
 * that faults ends the program.
 *
 * There is no C library in it: the libraries need what some CPUs lack (Octeon has no
 * floating point), and its registers are nobody's business.
 */
#include <stdint.h>

/* The layout of the template's registers: before, after, and those saved for the caller. */
static struct block {
	uint64_t in[48];
	uint64_t out[48];
	uint64_t saved[48];
} block;

/* Where the instruction may load and store, and where it lies; the linker puts both. */
#define SIZE 0x1000
/* The compiler's own idea of the sections' flags is made a comment. */
#if defined(__arm__)
#define SECTION(name, flags) section(name ",\"" flags "\",%nobits@")
#else
#define SECTION(name, flags) section(name ",\"" flags "\",@nobits#")
#endif
static unsigned char memory[SIZE] __attribute__((SECTION(".memory", "aw")));
#define HOLE 0x400

#if defined(__mips__)
#define REGISTERS 34
asm(".globl _start\n_start: jal run\n nop\n");
static long call(long n, long a, const void *b, long c)
{
	register long v0 asm("$2") = n;
	register long a0 asm("$4") = a;
	register const void *a1 asm("$5") = b;
	register long a2 asm("$6") = c;
	register long a3 asm("$7");
	asm volatile("syscall" : "+r"(v0), "=r"(a3) : "r"(a0), "r"(a1), "r"(a2)
		     : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "hi", "lo");
	return v0;
}
#ifdef __mips64
#define READ 5000
#define WRITE 5001
#define EXIT 5058
#define LD "ld"
#define ST "sd"
#define LOW ""
#else
#define READ 4003
#define WRITE 4004
#define EXIT 4001
#define LD "lw"
#define ST "sw"
#define LOW "4+"
#endif
#define L(n) LD " $" #n "," LOW #n "*8($26)\n"
#define S(n) ST " $" #n "," LOW "384+" #n "*8($26)\n"
#define ALL(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
	X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(28) X(29) X(30) X(31)
#define SAVED(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(28) X(29) X(30) X(31)
#define K(n) ST " $" #n "," LOW "768+" #n "*8($26)\n"
#define R(n) LD " $" #n "," LOW "768+" #n "*8($26)\n"
asm(".pushsection .text,\"ax\"\n.set push\n.set noreorder\n.set noat\n.set nomacro\n"
    "template:\n move $26,$4\n" SAVED(K)
    LD " $2," LOW "32*8($26)\n mthi $2\n" LD " $2," LOW "33*8($26)\n mtlo $2\n" ALL(L)
    " li $27,1\n"
    "hole: nop\n nop\n nop\n li $27,0\n nop\n" /* a branch goes to the last nop */
    ALL(S) ST " $27," LOW "384+34*8($26)\n"
    " mfhi $2\n" ST " $2," LOW "384+32*8($26)\n mflo $2\n" ST " $2," LOW "384+33*8($26)\n"
    SAVED(R) " jr $31\n nop\ntemplate_end: nop\n.set pop\n.popsection\n");
#endif


#if defined(__riscv)
#define REGISTERS 32
#define READ 63
#define WRITE 64
#define EXIT 93
asm(".globl _start\n_start: call run\n");
static long call(long n, long a, const void *b, long c)
{
	register long a7 asm("a7") = n;
	register long a0 asm("a0") = a;
	register const void *a1 asm("a1") = b;
	register long a2 asm("a2") = c;
	asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
	return a0;
}
#define L(n) "ld x" #n "," #n "*8(tp)\n"
#define S(n) "sd x" #n ",384+" #n "*8(tp)\n"
#define K(n) "sd x" #n ",768+" #n "*8(tp)\n"
#define R(n) "ld x" #n ",768+" #n "*8(tp)\n"
#define ALL(X) X(1) X(2) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) \
	X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define SAVED(X) X(1) X(2) X(8) X(9) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27)
asm(".pushsection .text,\"ax\"\n.option push\n.option norvc\n.option norelax\n"
    "template: mv tp,a0\n" SAVED(K) ALL(L) " li gp,1\n"
    "hole: .option rvc\n c.nop\n c.nop\n .option norvc\n nop\n li gp,0\n nop\n nop\n" /* 16 bytes on */
    ALL(S) " sd gp,384+32*8(tp)\n" SAVED(R) " ret\n"
    "template_end: nop\n.option pop\n.popsection\n");
#endif

#if defined(__powerpc64__)
#define REGISTERS 43
#define READ 3
#define WRITE 4
#define EXIT 1
#if _CALL_ELF == 2
asm(".globl _start\n_start: bl 1f\n1: mflr 12\n addis 2,12,.TOC.-1b@ha\n addi 2,2,.TOC.-1b@l\n"
    " stdu 1,-64(1)\n bl run\n nop\n");
#else
asm(".pushsection .opd,\"aw\"\n.globl _start\n_start: .quad 1f,.TOC.@tocbase,0\n.popsection\n"
    "1: stdu 1,-128(1)\n bl run\n nop\n");
#endif
static long call(long n, long a, const void *b, long c)
{
	register long r0 asm("0") = n;
	register long r3 asm("3") = a;
	register const void *r4 asm("4") = b;
	register long r5 asm("5") = c;
	asm volatile("sc" : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5) : :
		     "memory", "6", "7", "8", "9", "10", "11", "12", "cr0", "ctr", "xer");
	return r3;
}
/* The fields of the condition register are registers of their own; of xer only the carry is used. */
#define BEFORE() do { \
	block.in[34] &= 0x20000000; \
	for (i = 0; i < 8; i++) \
		block.in[44] |= (block.in[35 + i] & 15) << (28 - 4 * i); \
	} while (0)
#define AFTER() do { \
	for (i = 0; i < 8; i++) \
		block.out[35 + i] = block.out[44] >> (28 - 4 * i) & 15; \
	} while (0)
#define L(n) "ld " #n "," #n "*8(13)\n"
#define S(n) "std " #n ",384+" #n "*8(13)\n"
#define K(n) "std " #n ",768+" #n "*8(13)\n"
#define R(n) "ld " #n ",768+" #n "*8(13)\n"
#define ALL(X) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(14) X(15) X(16) X(17) X(18) X(19) \
	X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(1) X(0)
#define SAVED(X) X(1) X(2) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) \
	X(27) X(28) X(29) X(30) X(31)
asm(".pushsection .text,\"ax\"\n"
    "template: std 13,768+13*8(3)\n mr 13,3\n" SAVED(K) " mflr 0\n std 0,768(13)\n mfcr 0\n std 0,768+8*8(13)\n"
    " ld 0,32*8(13)\n mtlr 0\n ld 0,33*8(13)\n mtctr 0\n ld 0,34*8(13)\n mtxer 0\n ld 0,44*8(13)\n mtcrf 255,0\n"
    ALL(L) " li 2,1\n"
    "hole: nop\n nop\n nop\n li 2,0\n nop\n nop\n" /* a branch goes 16 bytes on */
    ALL(S) " std 2,384+43*8(13)\n mflr 0\n std 0,384+32*8(13)\n mfctr 0\n std 0,384+33*8(13)\n"
    " mfxer 0\n std 0,384+34*8(13)\n mfcr 0\n std 0,384+44*8(13)\n"
    " ld 0,768+8*8(13)\n mtcrf 255,0\n ld 0,768(13)\n mtlr 0\n" SAVED(R) " ld 13,768+13*8(13)\n blr\n"
    "template_end: nop\n.popsection\n");
#endif

#if defined(__arm__)
#define REGISTERS 16
#define READ 3
#define WRITE 4
#define EXIT 1
asm(".globl _start\n_start: bl run\n");
static long call(long n, long a, const void *b, long c)
{
	register long r7 asm("r7") = n;
	register long r0 asm("r0") = a;
	register const void *r1 asm("r1") = b;
	register long r2 asm("r2") = c;
	asm volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
	return r0;
}
/*
 * Every register may be the instruction's, so the code finds its values by the program counter: they
 * lie behind it. The flags are bits 31 to 28 of the last; the marker is what a branch skips.
 */
extern unsigned char values[];
#define VALUES ((volatile uint32_t *)(place + HOLE + (values - hole)))
#define BEFORE() before()
#define AFTER() after()
static void before(void);
static void after(void);
#define L(n) "ldr r" #n ",values+4*" #n "\n"
#define S(n) "str r" #n ",values+64+4*" #n "\n"
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
asm(".pushsection .text,\"ax\"\n.arm\n"
    "template: push {r4-r11,lr}\n str sp,values+132\n ldr r0,values+60\n msr cpsr_f,r0\n" ALL(L)
    "hole: nop\n nop\n nop\n str pc,values+128\n nop\n nop\n" /* a branch goes 16 bytes on */
    ALL(S) " mrs r0,cpsr\n str r0,values+124\n ldr sp,values+132\n pop {r4-r11,pc}\n"
    "values: .space 136\ntemplate_end: nop\n.popsection\n");
#endif

#ifndef BEFORE
#define BEFORE()
#define AFTER()
#endif

extern unsigned char template[], hole[], template_end[];
/* Writable, because the instruction is put here. */
static unsigned char place[SIZE] __attribute__((SECTION(".place", "awx")));

static char text[8192];
static unsigned fill, next;

static int get(void)
{
	if (next == fill) {
		long n = call(READ, 0, text, sizeof(text));
		if (n <= 0)
			call(EXIT, 0, 0, 0);
		fill = n;
		next = 0;
	}
	return text[next++];
}

static char answer[65536];
static unsigned used;

static void put(char c)
{
	answer[used++] = c;
}

static void put_hex(uint64_t value)
{
	int shift = 60;
	while (shift > 0 && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

/* What ended the last number. */
static int end;

static int digit(void)
{
	end = get();
	if (end >= '0' && end <= '9')
		return end - '0';
	if (end >= 'a' && end <= 'f')
		return end - 'a' + 10;
	return -1;
}

static uint64_t get_hex(void)
{
	uint64_t value = 0;
	int d;
	while ((d = digit()) >= 0)
		value = value << 4 | d;
	return value;
}

static unsigned char filler(unsigned seed, unsigned i)
{
	return i * 167 + (i >> 3) * 29 + seed * 101 + 13;
}

#if defined(__arm__)
static void before(void)
{
	unsigned i;
	for (i = 0; i < REGISTERS; i++)
		VALUES[i] = block.in[i];
	VALUES[32] = 0;
}

static void after(void)
{
	unsigned i;
	for (i = 0; i < REGISTERS; i++)
		block.out[i] = VALUES[16 + i];
	block.out[15] &= 0xf0000000;
	block.out[16] = VALUES[32] == 0;
}
#endif

void run(void)
{
	volatile unsigned char *to = memory;
	for (;;) {
		unsigned char code[8];
		unsigned size = 0, i;
		int d;
		while ((d = digit()) >= 0)
			code[size++ & 7] = d << 4 | digit();
		unsigned seed = get_hex();
		for (i = 0; i < REGISTERS; i++)
			block.in[i] = get_hex();
		for (; i < 48; i++)
			block.in[i] = 0;
		for (i = 0; i < SIZE; i++)
			to[i] = filler(seed, i);
		volatile unsigned char *start = place + HOLE - (hole - template);
		for (i = 0; i < template_end - template; i++)
			start[i] = template[i];
		for (i = 0; i < size; i++)
			place[HOLE + i] = code[i];
		BEFORE();
#if defined(__powerpc64__) && _CALL_ELF != 2
		volatile void *descriptor[3] = { start, 0, 0 };
		((void (*)(struct block *))(void *)descriptor)(&block);
#else
		((void (*)(struct block *))start)(&block);
#endif
		AFTER();
		used = 0;
		for (i = 0; i <= REGISTERS; i++) {
			put_hex(block.out[i]);
			put(' ');
		}
		for (i = 0; i < SIZE; i++) {
			if (to[i] == filler(seed, i))
				continue;
			put_hex(i);
			put('=');
			put_hex(to[i]);
			put(' ');
		}
		put('\n');
		call(WRITE, 1, answer, used);
	}
}
