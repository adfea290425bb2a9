// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write an order down as a line again, with its keys in a fixed order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "order_text.h"

static void __attribute__((format(printf, 2, 3)))
tb_append(struct tb_order_text *text, const char *format, ...)
{
	size_t left = sizeof(text->line) - text->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->line + text->length, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left)
		abort();
	text->length += length;
}

/**
 * tb_write_order() - write an order as a line
 * @order: a valid one
 * @text: gets the line, terminated and without a newline
 */
void tb_write_order(const struct tb_order *order, struct tb_order_text *text)
{
	unsigned int i;

	text->length = 0;
	if (order->verb == TB_CANCEL) {
		tb_append(text, "cancel id=%s", order->id);
		return;
	}
	tb_append(text, "start id=%s direction=%s target_kib=%llu",
		  order->id,
		  order->direction == TB_INFLATE ? "inflate" : "deflate",
		  order->target_kib);
	tb_append(text, " duration_ms=%u", order->duration_ms);
	for (i = 0; i < order->segments; i++)
		tb_append(text, "%s%u:%llu", i ? "," : " segments=",
			  order->segment[i].until_ms,
			  order->segment[i].target_kib);
	if (order->reserve_kib)
		tb_append(text, " reserve_kib=%llu", order->reserve_kib);
	if (order->has_begin_by)
		tb_append(text, " begin_by_ms=%llu", order->begin_by_ms);
}
