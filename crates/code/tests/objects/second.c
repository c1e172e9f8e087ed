/* Another module that knows the structure of indirect.c and sets its member, by name and by a copy. */
typedef unsigned long long u64;

struct peer {
	u64 id;
};

struct whole {
	u64 id;
	char name[16];
	struct peer *peer;
	u64 numbers[40];
};

__attribute__((noipa, noinline)) void outside(struct whole *w, struct peer *p)
{
	w->peer = p;
}

__attribute__((noipa, noinline)) void outside_copy(struct whole *to, const struct whole *from)
{
	*to = *from;
}
