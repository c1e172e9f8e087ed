/* Shapes of code that are easily misread. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef _Bool bool;

#define STEP __attribute__((__noinline__, __noipa__))

struct d {
	long z;
	int val;
};

void ext(void *p);

/* A case falls into the next one, which the table also leads to: `d` comes from both. */
struct src {
	long q;
	struct d *dflt, *alt, *out;
	int n[20];
};

STEP long falls(struct src *s, u32 k)
{
	struct d *d = s->dflt;

	switch (k) {
	case 0: s->n[0]++; return 4;
	case 1: s->n[1] += 3; return 9;
	case 2: d = s->alt; s->n[5] = 6; __attribute__((fallthrough));
	case 3: ext(s); return d->val;
	case 4: s->n[4] = 5; return 11;
	case 5: s->n[2] ^= 7; return 2;
	case 6: s->n[3] -= 7; return 1;
	case 7: s->n[6] *= 7; return 12;
	case 8: s->n[7] |= 64; return 21;
	case 9: s->n[8] &= 5; return 31;
	case 10: s->n[9] += 70; return 41;
	case 11: s->n[10] -= 90; return 51;
	case 12: s->n[11] ^= 9; return 61;
	case 13: s->n[12] = 99; return 71;
	case 14: s->n[13] = 98; return 81;
	case 15: s->n[14] = 97; return 91;
	case 16: s->n[15] = 96; return 92;
	}
	return 0;
}

/* What stands behind a switch does not run under the condition of its default alone. */
STEP long behind(struct src *s, u32 k, struct d *d)
{
	switch (k) {
	case 0: s->n[0]++; break;
	case 1: s->n[1] += 3; break;
	case 2: s->n[5] = 6; break;
	case 3: ext(s); break;
	case 4: s->n[4] = 5; break;
	case 5: s->n[2] ^= 7; break;
	case 6: s->n[3] -= 7; break;
	case 7: s->n[6] *= 7; break;
	case 8: s->n[7] |= 64; break;
	case 9: s->n[8] &= 5; break;
	case 10: s->n[9] += 70; break;
	case 11: s->n[10] -= 90; break;
	case 12: s->n[11] ^= 9; break;
	case 13: s->n[12] = 99; break;
	case 14: s->n[13] = 98; break;
	case 15: s->n[14] = 97; break;
	}
	ext(d);
	s->out = d;
	return 0;
}

/* Bits are asked for by the members that they are, several at once by all. */
struct port {
	u32 a : 3, flag : 1, mode : 5, big : 12;
	int err;
	u16 kind;
	u64 mask;
	bool on;
	struct d *peer, *other, *third;
};

STEP void bind_flag(struct port *p, struct d *d)
{
	if (p->flag && p->mode == 9)
		p->peer = d;
}

STEP void bind_numbers(struct port *p, struct d *d, int n)
{
	if (p->err == -22 && p->kind > 0x8000 && (p->mask & 0x30) == 0x10 && p->on && n > 6)
		p->other = d;
}

/* Loops begin at aligned places; what fills the room before them comes from nowhere. */
struct node {
	long v;
	struct node *next;
};

STEP struct node *middle(struct node *head)
{
	struct node *slow = head, *fast = head;

	while (fast && fast->next) {
		slow = slow->next;
		fast = fast->next->next;
	}
	return slow;
}

/* Arguments are counted as the source does. */
struct big {
	long n[5];
	struct d *d;
};

STEP struct big hidden(struct d *d, int n)
{
	return (struct big){ { n, d->val }, 0 };
}

struct pair {
	long n, m;
};

STEP int wide(struct pair p, struct d *d)
{
	return p.n + d->val;
}

static __attribute__((__noinline__)) int copy_of(int unused, struct pair *p, struct d *d)
{
	ext(d);
	return d->val + p->n;
}

STEP int calls_copy(struct pair *p, struct d *d)
{
	int r = copy_of(1, p, d);

	ext(p);
	return r + copy_of(2, p, d);
}

/* An array at the end, an index that no type tells, a structure around, and a union. */
struct flex {
	u32 n;
	struct d *e[];
};

STEP long in_flex(struct flex *f, u32 i)
{
	return i < f->n ? f->e[i]->val : 0;
}

struct row {
	int n;
	struct d *cells[3];
};

struct table {
	long k;
	struct row rows[4];
};

STEP long in_table(struct table *t, u32 i, u32 j)
{
	return t->rows[i].cells[j]->val;
}

struct outer {
	long a;
	struct node node;
	struct d *it;
};

STEP long around(struct node *n)
{
	return ((struct outer *)((void *)n->next - __builtin_offsetof(struct outer, node)))->it->val;
}

struct beta {
	long m, y;
};

struct holder {
	int tag;
	union {
		struct d *a;
		struct beta *b;
	};
};

STEP long in_union(struct holder *h)
{
	return h->b->y;
}

/* What was put at an address that others know is not there for sure behind a call. */
struct req {
	int len;
	struct d *buf;
};

STEP void fill(struct req *r)
{
	r->buf = 0;
}

static inline struct d *get(struct req *r)
{
	fill(r);
	return r->buf;
}

STEP int compound(struct src *s)
{
	return get(&(struct req){ .len = 1, .buf = s->dflt })->val;
}

/* The compiler sees that tick() leaves the register alone. */
static int counter;

static __attribute__((__noinline__)) void tick(void)
{
	counter++;
}

STEP int counts(struct src *s, int n)
{
	struct d *d = s->dflt;

	if (n > 100)
		return 0;
	tick();
	return d->val + n;
}

/* Code that stands for itself, and a branch that is patched in around a condition. */
#ifdef __x86_64__
int key;

STEP void patched(struct port *p, u32 n, struct d *d)
{
	__asm__ goto("1: .byte 0x0f,0x1f,0x44,0x00,0x00\n\t.pushsection __jump_table,\"aw\"\n\t.balign 8\n\t"
		     ".long 1b - ., %l[yes] - .\n\t.quad key - .\n\t.popsection" : : : : yes);
	if (n <= 40)
		return;
	ext(p);
yes:
	p->third = d;
}
#endif
