// SPDX-License-Identifier: GPL-2.0-only
/*
 * Have libFuzzer look for a line that breaks the parser, or a promise of it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "order_text.h"

#define TB_EXPECT(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static bool tb_is_before(const struct tb_order *order, u64 kib, u64 next_kib)
{
	return order->direction == TB_INFLATE ? kib <= next_kib :
						kib >= next_kib;
}

static void tb_expect_segments(const struct tb_order *order)
{
	u32 last_ms = 0;
	unsigned int i;

	TB_EXPECT(order->segments <= TB_SEGMENTS_MAX);
	for (i = 0; i < order->segments; i++) {
		const struct tb_segment *segment = &order->segment[i];

		TB_EXPECT(segment->until_ms > last_ms);
		TB_EXPECT(segment->until_ms < order->duration_ms);
		TB_EXPECT(segment->target_kib % 4 == 0);
		TB_EXPECT(tb_is_before(order, segment->target_kib,
				       order->target_kib));
		TB_EXPECT(!i || tb_is_before(order, segment[-1].target_kib,
					     segment->target_kib));
		last_ms = segment->until_ms;
	}
}

static void tb_expect_sane(const struct tb_order *order)
{
	size_t length = strnlen(order->id, sizeof(order->id));

	TB_EXPECT(length > 0 && length <= TB_ID_MAX);
	if (order->verb == TB_CANCEL)
		return;
	TB_EXPECT(order->verb == TB_START);
	TB_EXPECT(order->direction == TB_INFLATE ||
		  order->direction == TB_DEFLATE);
	TB_EXPECT(order->target_kib % 4 == 0);
	TB_EXPECT(order->duration_ms > 0);
	TB_EXPECT(order->duration_ms <= TB_DURATION_MS_MAX);
	TB_EXPECT(order->direction == TB_INFLATE || !order->reserve_kib);
	TB_EXPECT(order->begin_by_ms <= S64_MAX);
	TB_EXPECT(order->has_begin_by || !order->begin_by_ms);
	tb_expect_segments(order);
}

/* What was understood reads the same when it is written down again. */
static void tb_expect_same_again(const struct tb_order *order)
{
	struct tb_order_text first, second;
	struct tb_order again;

	tb_write_order(order, &first);
	TB_EXPECT(!tb_parse_order(first.line, first.length, &again));
	tb_write_order(&again, &second);
	TB_EXPECT(!strcmp(first.line, second.line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tb_order untouched, order;
	int error;

	memset(&order, 0xa5, sizeof(order));
	memset(&untouched, 0xa5, sizeof(untouched));
	error = tb_parse_order((const char *)data, size, &order);
	if (error) {
		TB_EXPECT(error == -EINVAL || error == -ERANGE);
		TB_EXPECT(!memcmp(&order, &untouched, sizeof(order)));
		return 0;
	}
	tb_expect_sane(&order);
	tb_expect_same_again(&order);
	return 0;
}
