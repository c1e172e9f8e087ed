/*
 * Members that are set without their name: who does it, and who only seems to. What is expected stands at each
 * function; `whole.peer` is what is asked for.
 */
typedef unsigned long size_t;
typedef unsigned long long u64;

#define STEP __attribute__((noipa, noinline))

extern void *memcpy(void *to, const void *from, size_t size);
extern void *memset(void *to, int with, size_t size);
extern void elsewhere(void **to);

struct peer {
	u64 id;
};

struct whole {
	u64 id;
	char name[16];
	struct peer *peer;
	u64 numbers[40];
};

/* By name: no case of these. */
STEP void by_name(struct whole *w, struct peer *p)
{
	w->peer = p;
}

/* Copied: the compiler makes a block of it, or calls memcpy. */
STEP void copy_whole(struct whole *to, const struct whole *from)
{
	*to = *from;
}

/* Copied. */
STEP void copy_called(struct whole *to, const void *from)
{
	to->id = 1;
	memcpy(to, from, sizeof(*to));
	to->id = 2;
}

/* Filled with 0. */
STEP void clear_whole(struct whole *w)
{
	memset(w, 0, sizeof(*w));
	w->id = 3;
}

/* Copied, but the name alone: nothing. */
STEP void copy_name(struct whole *w, const char *name)
{
	memcpy(w->name, name, sizeof(w->name));
	w->id = 4;
}

/* What lies behind it is filled: nothing. */
STEP void clear_numbers(struct whole *w)
{
	memset(w->numbers, 0, sizeof(w->numbers));
	w->id = 5;
}

/* Of a size that is not known: it may be. */
STEP void copy_some(struct whole *w, const void *from, size_t size)
{
	memcpy(w, from, size);
	w->id = 6;
}

STEP void put_peer(struct peer **to, struct peer *p)
{
	*to = p;
}

STEP u64 ask_peer(struct peer **from, int times)
{
	return *from ? (*from)->id * times : 0;
}

/* Its address is given to who stores there. */
STEP void give(struct whole *w, struct peer *p)
{
	put_peer(&w->peer, p);
	w->id = 7;
}

/* Its address is given to who only reads: nothing. */
STEP u64 show(struct whole *w)
{
	u64 id = ask_peer(&w->peer, 2);

	w->id = 8;
	return id;
}

/* Its address is given to who is not here: it may be. */
STEP void give_away(struct whole *w)
{
	elsewhere((void **)&w->peer);
	w->id = 9;
}
