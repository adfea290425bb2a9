// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse the line in which the host orders a policy; see the file ABI.
 *
 * Every byte is looked at before it is believed, and every one must be
 * accounted for: a line is taken whole or not at all.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#endif

#include "policy_line.h"

#define TB_KIB_PER_PAGE 4

/**
 * struct tb_text - bytes not read yet
 * @at: the next one
 * @end: behind the last one
 */
struct tb_text {
	const char *at;
	const char *end;
};

/**
 * struct tb_parser - what is known of a line so far
 * @order: what it said
 * @seen: the keys that it had, a bit for each of tb_keys
 * @out_of_range: it has the form, but a number is too large or too small
 */
struct tb_parser {
	struct tb_order order;
	unsigned long seen;
	bool out_of_range;
};

static bool tb_take_char(struct tb_text *text, char wanted)
{
	if (text->at == text->end || *text->at != wanted)
		return false;
	text->at++;
	return true;
}

static bool tb_take_string(struct tb_text *text, const char *wanted)
{
	size_t length = strlen(wanted);

	if ((size_t)(text->end - text->at) < length)
		return false;
	if (memcmp(text->at, wanted, length))
		return false;
	text->at += length;
	return true;
}

static bool tb_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool tb_is_id_char(char c)
{
	return tb_is_digit(c) || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-';
}

/* Take digits; a number of more than 64 bits is noted and read as U64_MAX. */
static bool tb_take_number(struct tb_text *text, struct tb_parser *parser,
			   u64 *number)
{
	const char *begin = text->at;
	u64 value = 0;

	for (; text->at < text->end && tb_is_digit(*text->at); text->at++) {
		unsigned int digit = *text->at - '0';

		if (value > (U64_MAX - digit) / 10) {
			parser->out_of_range = true;
			value = U64_MAX;
		} else {
			value = value * 10 + digit;
		}
	}
	if (text->at == begin || (*begin == '0' && text->at - begin > 1))
		return false;
	*number = value;
	return true;
}

static bool tb_take_ms(struct tb_text *text, struct tb_parser *parser, u32 *ms)
{
	u64 number;

	if (!tb_take_number(text, parser, &number))
		return false;
	if (number < 1 || number > TB_DURATION_MS_MAX) {
		parser->out_of_range = true;
		number = TB_DURATION_MS_MAX;
	}
	*ms = number;
	return true;
}

static bool tb_read_id(struct tb_text *text, struct tb_parser *parser)
{
	const char *begin = text->at;
	size_t length;

	while (text->at < text->end && tb_is_id_char(*text->at))
		text->at++;
	length = text->at - begin;
	if (length < 1 || length > TB_ID_MAX)
		return false;
	memcpy(parser->order.id, begin, length);
	return true;
}

static bool tb_read_direction(struct tb_text *text, struct tb_parser *parser)
{
	if (tb_take_string(text, "inflate"))
		parser->order.direction = TB_INFLATE;
	else if (tb_take_string(text, "deflate"))
		parser->order.direction = TB_DEFLATE;
	else
		return false;
	return true;
}

static bool tb_read_target(struct tb_text *text, struct tb_parser *parser)
{
	return tb_take_number(text, parser, &parser->order.target_kib);
}

static bool tb_read_duration(struct tb_text *text, struct tb_parser *parser)
{
	return tb_take_ms(text, parser, &parser->order.duration_ms);
}

static bool tb_read_reserve(struct tb_text *text, struct tb_parser *parser)
{
	return tb_take_number(text, parser, &parser->order.reserve_kib);
}

static bool tb_read_begin_by(struct tb_text *text, struct tb_parser *parser)
{
	struct tb_order *order = &parser->order;

	if (!tb_take_number(text, parser, &order->begin_by_ms))
		return false;
	if (order->begin_by_ms > S64_MAX)
		parser->out_of_range = true;
	order->has_begin_by = true;
	return true;
}

static bool tb_read_segments(struct tb_text *text, struct tb_parser *parser)
{
	struct tb_order *order = &parser->order;
	struct tb_segment *segment;

	do {
		if (order->segments == TB_SEGMENTS_MAX)
			return false;
		segment = &order->segment[order->segments++];
		if (!tb_take_ms(text, parser, &segment->until_ms) ||
		    !tb_take_char(text, ':') ||
		    !tb_take_number(text, parser, &segment->target_kib))
			return false;
	} while (tb_take_char(text, ','));
	return true;
}

/**
 * struct tb_key - a key and how to read its value
 * @name: the key with its equals sign
 * @read: take the value off the text; false if it has not the form
 */
struct tb_key {
	const char *name;
	bool (*read)(struct tb_text *text, struct tb_parser *parser);
};

enum tb_key_index {
	TB_KEY_ID,
	TB_KEY_DIRECTION,
	TB_KEY_TARGET,
	TB_KEY_DURATION,
	TB_KEY_SEGMENTS,
	TB_KEY_RESERVE,
	TB_KEY_BEGIN_BY,
};

static const struct tb_key tb_keys[] = {
	[TB_KEY_ID] = { "id=", tb_read_id },
	[TB_KEY_DIRECTION] = { "direction=", tb_read_direction },
	[TB_KEY_TARGET] = { "target_kib=", tb_read_target },
	[TB_KEY_DURATION] = { "duration_ms=", tb_read_duration },
	[TB_KEY_SEGMENTS] = { "segments=", tb_read_segments },
	[TB_KEY_RESERVE] = { "reserve_kib=", tb_read_reserve },
	[TB_KEY_BEGIN_BY] = { "begin_by_ms=", tb_read_begin_by },
};

#define TB_KEYS_OF_CANCEL BIT(TB_KEY_ID)
#define TB_KEYS_NEEDED_BY_START \
	(BIT(TB_KEY_ID) | BIT(TB_KEY_DIRECTION) | BIT(TB_KEY_TARGET) | \
	 BIT(TB_KEY_DURATION))

/* Take one " key=value"; no key is the beginning of another. */
static bool tb_take_pair(struct tb_text *text, struct tb_parser *parser)
{
	unsigned int i;

	if (!tb_take_char(text, ' '))
		return false;
	for (i = 0; i < ARRAY_SIZE(tb_keys); i++) {
		if (!tb_take_string(text, tb_keys[i].name))
			continue;
		if (parser->seen & BIT(i))
			return false;
		parser->seen |= BIT(i);
		return tb_keys[i].read(text, parser);
	}
	return false;
}

static bool tb_has_its_keys(const struct tb_parser *parser)
{
	unsigned long needed = TB_KEYS_NEEDED_BY_START;

	if (parser->order.verb == TB_CANCEL)
		return parser->seen == TB_KEYS_OF_CANCEL;
	if (parser->order.direction == TB_DEFLATE &&
	    parser->seen & BIT(TB_KEY_RESERVE))
		return false;
	return (parser->seen & needed) == needed;
}

/* Tell whether the line has the form; its numbers may contradict each other. */
static bool tb_take_line(struct tb_text *text, struct tb_parser *parser)
{
	if (tb_take_string(text, "start"))
		parser->order.verb = TB_START;
	else if (tb_take_string(text, "cancel"))
		parser->order.verb = TB_CANCEL;
	else
		return false;
	while (text->at < text->end) {
		if (!tb_take_pair(text, parser))
			return false;
	}
	return tb_has_its_keys(parser);
}

/* Tell whether the balloon can be at @kib on its way to @target_kib. */
static bool tb_is_before(enum tb_direction direction, u64 kib, u64 target_kib)
{
	if (direction == TB_INFLATE)
		return kib <= target_kib;
	return kib >= target_kib;
}

static bool tb_is_consistent(const struct tb_order *order)
{
	u64 next_kib = order->target_kib;
	u32 next_ms = order->duration_ms;
	unsigned int i;

	if (order->target_kib % TB_KIB_PER_PAGE)
		return false;
	for (i = order->segments; i-- > 0;) {
		const struct tb_segment *segment = &order->segment[i];

		if (segment->target_kib % TB_KIB_PER_PAGE ||
		    !tb_is_before(order->direction, segment->target_kib,
				  next_kib) ||
		    segment->until_ms >= next_ms)
			return false;
		next_kib = segment->target_kib;
		next_ms = segment->until_ms;
	}
	return true;
}

/**
 * tb_parse_order() - parse a line with an order
 * @line: any bytes; need not be terminated
 * @length: how many; one final newline may be among them
 * @order: written only on success
 *
 * Whether the target is within the guest's memory is for the caller to check.
 *
 * Return: 0, -EINVAL for what has not the form, -ERANGE for what has it but
 * with a number too large or too small, -EINVAL for numbers that contradict
 * each other.
 */
int tb_parse_order(const char *line, size_t length, struct tb_order *order)
{
	struct tb_parser parser;
	struct tb_text text;

	if (length > TB_LINE_MAX)
		return -EINVAL;
	memset(&parser, 0, sizeof(parser));
	text.at = line;
	text.end = line + length;
	if (length && line[length - 1] == '\n')
		text.end--;
	if (!tb_take_line(&text, &parser))
		return -EINVAL;
	if (parser.out_of_range)
		return -ERANGE;
	if (!tb_is_consistent(&parser.order))
		return -EINVAL;
	*order = parser.order;
	return 0;
}
