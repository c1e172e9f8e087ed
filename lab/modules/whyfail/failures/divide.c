// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The average of nothing. */
#include "whyfail.h"

struct survey {
	int sum;
	int answers;
};

static noinline int survey_average(struct survey *survey)
{
	return survey->sum / READ_ONCE(survey->answers);
}

WHYFAIL(divide)
{
	struct survey survey = { .sum = 5 };

	return survey_average(&survey) < 0;
}
