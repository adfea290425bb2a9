/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The line in which the host orders a policy; see the file ABI.
 *
 * The parser is one source for the module and for user space, where it is
 * fuzzed. It allocates nothing and takes no lock.
 */
#ifndef TB_POLICY_LINE_H
#define TB_POLICY_LINE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "user_space.h"
#endif

#define TB_ID_MAX 64
#define TB_SEGMENTS_MAX 16
#define TB_LINE_MAX 1023
#define TB_DURATION_MS_MAX 86400000

enum tb_verb {
	TB_START,
	TB_CANCEL,
};

enum tb_direction {
	TB_NO_DIRECTION,
	TB_INFLATE,
	TB_DEFLATE,
};

/**
 * struct tb_segment - a size not to be passed before an instant
 * @until_ms: milliseconds after the receipt of the policy
 * @target_kib: size of the balloon
 */
struct tb_segment {
	u32 until_ms;
	u64 target_kib;
};

/**
 * struct tb_order - what a line says
 * @verb: what to do; with %TB_CANCEL only @id is set
 * @id: the policy's name, terminated
 * @direction: the way in which the balloon is to go
 * @target_kib: size of the balloon to reach; a multiple of 4
 * @duration_ms: time for it; 1 to %TB_DURATION_MS_MAX
 * @reserve_kib: memory to leave available to the guest; 0 for none
 * @has_begin_by: @begin_by_ms was given
 * @begin_by_ms: on CLOCK_MONOTONIC; the policy does not begin after it
 * @segments: how many of @segment are set
 * @segment: sizes on the way, in the order of time
 */
struct tb_order {
	enum tb_verb verb;
	char id[TB_ID_MAX + 1];
	enum tb_direction direction;
	u64 target_kib;
	u32 duration_ms;
	u64 reserve_kib;
	bool has_begin_by;
	u64 begin_by_ms;
	unsigned int segments;
	struct tb_segment segment[TB_SEGMENTS_MAX];
};

int tb_parse_order(const char *line, size_t length, struct tb_order *order);

#endif /* TB_POLICY_LINE_H */
