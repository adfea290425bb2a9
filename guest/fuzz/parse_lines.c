// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse the lines that come in on standard input, each behind its length as
 * two bytes, the lower one first. For each, print 0 and the order, or the error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "order_text.h"

static void tb_answer(const char *line, size_t length)
{
	struct tb_order untouched, order;
	struct tb_order_text text;
	int error;

	memset(&order, 0xa5, sizeof(order));
	memset(&untouched, 0xa5, sizeof(untouched));
	error = tb_parse_order(line, length, &order);
	if (error) {
		if (memcmp(&order, &untouched, sizeof(order)))
			abort();
		printf("%d\n", error);
	} else {
		tb_write_order(&order, &text);
		printf("0 %s\n", text.line);
	}
	fflush(stdout);
}

int main(void)
{
	unsigned char head[2];

	while (fread(head, sizeof(head), 1, stdin) == 1) {
		size_t length = head[0] | (size_t)head[1] << 8;
		/* Of exactly this size: one byte more would be seen. */
		char *line = malloc(length);

		if (length && (!line || fread(line, length, 1, stdin) != 1))
			return EXIT_FAILURE;
		tb_answer(line, length);
		free(line);
	}
	return EXIT_SUCCESS;
}
