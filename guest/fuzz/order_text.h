/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write an order down as a line again, with its keys in a fixed order.
 */
#ifndef TB_ORDER_TEXT_H
#define TB_ORDER_TEXT_H

#include "../timed_balloon/policy_line.h"

struct tb_order_text {
	char line[TB_LINE_MAX + 1];
	size_t length;
};

void tb_write_order(const struct tb_order *order, struct tb_order_text *text);

#endif /* TB_ORDER_TEXT_H */
