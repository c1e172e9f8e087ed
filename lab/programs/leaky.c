// SPDX-License-Identifier: MIT OR Apache-2.0
/* Takes memory, touches it, and never gives it back. */
#include <stdlib.h>
#include <string.h>

__attribute__((noipa)) static char *cache_grow(size_t size)
{
	char *block = malloc(size);

	if (block)
		memset(block, 0x55, size);
	return block;
}

int main(void)
{
	while (cache_grow(1 << 20))
		;
	return 1;
}
