// SPDX-License-Identifier: MIT OR Apache-2.0
/* Dies of a signal in one chosen way: "crasher null", "crasher divide" or "crasher wild". */
#include <string.h>

struct shelf {
	long books;
	struct shelf *next;
};

static struct shelf *volatile lowest;
static volatile int guests;

__attribute__((noipa)) static long shelf_books(struct shelf *shelf)
{
	return shelf->next->books;
}

__attribute__((noipa)) static int cake_share(int pieces)
{
	return pieces / guests;
}

int main(int count, char **words)
{
	struct shelf shelf = { .next = lowest };

	if (count == 2 && !strcmp(words[1], "divide"))
		return cake_share(12);
	if (count == 2 && !strcmp(words[1], "wild"))
		shelf.next = (struct shelf *)0x6b6b6b6b6b6b6b6bUL;
	return shelf_books(&shelf) != 0;
}
