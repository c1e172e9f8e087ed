/* A function within another one's text, as only GNU C has. */
int count(int *numbers, int length, int least)
{
	int found = 0;
	__attribute__((noinline)) void look(int number)
	{
		found += number >= least;
	}

	for (int i = 0; i < length; i++)
		look(numbers[i]);
	return found;
}
