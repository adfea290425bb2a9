// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told of policies.
 */
#include <linux/ktime.h>
#include <linux/sysfs.h>

#include "timed_balloon.h"

static const char * const tb_state_names[] = {
	[TB_IDLE] = "idle",
	[TB_RUNNING] = "running",
	[TB_ENDED] = "ended",
};

static const char * const tb_reason_names[] = {
	[TB_NO_REASON] = "none",
	[TB_BY_TARGET] = "target",
	[TB_BY_DEADLINE] = "deadline",
	[TB_BY_STALL] = "stalled",
	[TB_BY_CANCEL] = "cancelled",
	[TB_BY_SUCCESSOR] = "superseded",
	[TB_BY_HOST] = "host",
	[TB_BY_OOM] = "oom",
	[TB_BY_SUSPEND] = "suspended",
};

static const char * const tb_direction_names[] = {
	[TB_NO_DIRECTION] = "none",
	[TB_INFLATE] = "inflate",
	[TB_DEFLATE] = "deflate",
};

static const char * const tb_hold_names[] = {
	[TB_NOT_HELD] = "none",
	[TB_BY_SEGMENT] = "segment",
	[TB_BY_RESERVE] = "reserve",
};

/**
 * tb_status_read() - see everything at one instant
 * @balloon: the balloon
 * @status: gets what is seen
 */
void tb_status_read(struct tb_balloon *balloon, struct tb_status *status)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	status->policy = balloon->policy;
	status->previous = balloon->previous;
	status->size = balloon->size;
	status->now = ktime_get();
	spin_unlock_irqrestore(&balloon->lock, flags);
}

static s64 tb_elapsed_us(const struct tb_status *status)
{
	const struct tb_policy *policy = &status->policy;

	if (policy->state == TB_IDLE)
		return 0;
	if (policy->state == TB_RUNNING)
		return ktime_us_delta(status->now, policy->started_at);
	return ktime_us_delta(policy->ended_at, policy->started_at);
}

static s64 tb_last_move_us(const struct tb_policy *policy)
{
	if (!policy->moved_at)
		return 0;
	return ktime_us_delta(policy->moved_at, policy->started_at);
}

/**
 * tb_status_print() - write the lines that are read from sysfs
 * @status: what was seen
 * @buffer: a page
 *
 * Return: the length
 */
ssize_t tb_status_print(const struct tb_status *status, char *buffer)
{
	const struct tb_policy *policy = &status->policy;
	const struct tb_previous *previous = &status->previous;
	u64 reached = policy->state == TB_RUNNING ? status->size :
						    policy->reached;
	int length;

	length = sysfs_emit(buffer, "abi=%d\nnow_ms=%lld\n", TB_ABI,
			    ktime_to_ms(status->now));
	length += sysfs_emit_at(buffer, length, "state=%s\nid=%s\nreason=%s\n"
				"direction=%s\nheld_by=%s\n",
				tb_state_names[policy->state],
				policy->order.id,
				tb_reason_names[policy->reason],
				tb_direction_names[policy->order.direction],
				tb_hold_names[policy->held_by]);
	length += sysfs_emit_at(buffer, length,
				"start_kib=%llu\ntarget_kib=%llu\n"
				"reached_kib=%llu\nduration_ms=%u\n"
				"elapsed_us=%lld\nlast_move_us=%lld\n",
				policy->start * TB_UNIT_KIB,
				policy->target * TB_UNIT_KIB,
				reached * TB_UNIT_KIB,
				policy->order.duration_ms,
				tb_elapsed_us(status),
				tb_last_move_us(policy));
	length += sysfs_emit_at(buffer, length,
				"pages_moved=%llu\npages_after_deadline=%llu\n"
				"allocation_failures=%llu\nballoon_kib=%llu\n",
				policy->moved, policy->late, policy->failures,
				status->size * TB_UNIT_KIB);
	length += sysfs_emit_at(buffer, length,
				"previous_id=%s\nprevious_reason=%s\n"
				"previous_reached_kib=%llu\n",
				previous->id, tb_reason_names[previous->reason],
				previous->reached * TB_UNIT_KIB);
	return length;
}
