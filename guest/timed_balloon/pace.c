// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many pages can be moved in the time that is left.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/time64.h>

#include "timed_balloon.h"

/* A request costs as much as that many further units, whatever its length. */
#define TB_REQUEST_UNITS 16

#define TB_FIRST_HOST_NS 5000
#define TB_FIRST_GUEST_NS 2000

/* One odd sample, as when the host did not run us, must not spoil all. */
#define TB_ODD 4

void tb_pace_init(struct tb_pace *pace)
{
	pace->host_ns = TB_FIRST_HOST_NS;
	pace->guest_ns = TB_FIRST_GUEST_NS;
}

/**
 * tb_pace_begin() - let a policy try, whatever was learned before
 * @pace: what is known
 * @duration_ms: the policy's
 *
 * A host that once was slow may not be now. A request takes no more than an
 * eighth of a policy's duration until this one has learned that it does.
 */
void tb_pace_begin(struct tb_pace *pace, u32 duration_ms)
{
	u64 most = div_u64((u64)duration_ms * NSEC_PER_MSEC,
			   8 * TB_REQUEST_UNITS);

	pace->host_ns = min_t(u64, pace->host_ns, most);
	pace->guest_ns = min_t(u64, pace->guest_ns, most);
}

/* Rise fast and fall slowly: to stop early costs less than to be late. */
static void tb_learn(u32 *cost, unsigned int units, s64 took_ns)
{
	u64 sample = div_u64(max_t(s64, took_ns, 0), units);

	sample = clamp_t(u64, sample, 1, (u64)*cost * TB_ODD);
	if (sample > *cost)
		*cost = min_t(u64, *cost + (sample - *cost) / 2 + 1, USEC_PER_SEC);
	else
		*cost -= (*cost - (u32)sample) / 8;
}

/**
 * tb_pace_learn() - note what an item took
 * @pace: what is known
 * @units: how many were moved; not 0
 * @guest_ns: the time to allocate them
 * @host_ns: the time from handing them over to the acknowledgment
 */
void tb_pace_learn(struct tb_pace *pace, unsigned int units, s64 guest_ns,
		   s64 host_ns)
{
	tb_learn(&pace->guest_ns, units, guest_ns);
	tb_learn(&pace->host_ns, units + TB_REQUEST_UNITS, host_ns);
}

/**
 * tb_pace_fits() - say how many units are worth beginning
 * @pace: what is known
 * @left_ns: the time until the deadline
 * @allocated: the guest's part is done
 *
 * An item gets half of the time that is left: the last ones become short, and
 * one that takes twice its time is still done.
 *
 * Return: units, 0 if there is no time for one, at most %TB_ITEM_UNITS
 */
unsigned int tb_pace_fits(const struct tb_pace *pace, s64 left_ns,
			  bool allocated)
{
	u64 overhead = (u64)pace->host_ns * TB_REQUEST_UNITS;
	u64 cost = pace->host_ns + (allocated ? 0 : pace->guest_ns);
	u64 budget = max_t(s64, left_ns, 0) / 2;

	if (budget <= overhead)
		return 0;
	return min_t(u64, div64_u64(budget - overhead, cost), TB_ITEM_UNITS);
}
