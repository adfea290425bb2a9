/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio balloon that keeps a deadline by the guest's own clock.
 *
 * Sizes are counted in units of 4 KiB, as the device counts them, and allocated
 * in pages, which may be larger.
 *
 * Locks, in this order:
 *   io_mutex  one request at a time is with the host; nobody allocates under
 *             it, as the OOM notifier takes it
 *   lock      all that decides whether and which way the balloon moves; taken
 *             by timers and by the device's interrupts
 */
#ifndef TIMED_BALLOON_H
#define TIMED_BALLOON_H

#ifdef TB_HAS_BALLOON_H
#include <linux/balloon.h>
#else
#include <linux/balloon_compaction.h>
#endif
#include <linux/hrtimer.h>
#include <linux/kernfs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/oom.h>
#include <linux/page_reporting.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "policy_line.h"

#define TB_ABI 1
#define TB_UNIT_KIB 4
#define TB_UNITS_PER_PAGE ((unsigned int)(PAGE_SIZE >> VIRTIO_BALLOON_PFN_SHIFT))
#define TB_ITEM_UNITS 256U
#define TB_QUEUES_MAX 4
/* Not all that the host wants could be had: after so long there may be more. */
#define TB_TARGET_PAUSE_MS 200

enum tb_state { TB_IDLE, TB_RUNNING, TB_ENDED };

enum tb_reason {
	TB_NO_REASON,
	TB_BY_TARGET,
	TB_BY_DEADLINE,
	TB_BY_STALL,
	TB_BY_CANCEL,
	TB_BY_SUCCESSOR,
	TB_BY_HOST,
	TB_BY_OOM,
	TB_BY_SUSPEND,
};

enum tb_hold { TB_NOT_HELD, TB_BY_SEGMENT, TB_BY_RESERVE };

/**
 * struct tb_policy - an order of the host and how far it got
 * @order: as received
 * @serial: counts the policies; 0 before the first
 * @state: where it stands
 * @reason: why it ended
 * @held_by: what keeps it from moving at present
 * @start: units in the balloon at receipt
 * @target: units to reach; the host may come towards it
 * @reached: units at the end, those included that the host has not acknowledged
 * @moved: units that it handed over
 * @late: those of them that the host acknowledged after the deadline
 * @failures: pages that it could not allocate
 * @started_at: receipt
 * @deadline_at: when it ends at the latest
 * @ended_at: when it ended
 * @moved_at: the host's last acknowledgment; 0 if none
 */
struct tb_policy {
	struct tb_order order;
	u64 serial;
	enum tb_state state;
	enum tb_reason reason;
	enum tb_hold held_by;
	u64 start;
	u64 target;
	u64 reached;
	u64 moved;
	u64 late;
	u64 failures;
	ktime_t started_at;
	ktime_t deadline_at;
	ktime_t ended_at;
	ktime_t moved_at;
};

/**
 * struct tb_previous - what is kept of the policy before
 * @id: its name; empty if there was none
 * @reason: why it ended
 * @reached: units in the balloon at its end
 */
struct tb_previous {
	char id[TB_ID_MAX + 1];
	enum tb_reason reason;
	u64 reached;
};

/**
 * struct tb_status - all that is told of policies, from one instant
 * @policy: the present or last one
 * @previous: the one before it
 * @size: units in the balloon
 * @now: the instant
 */
struct tb_status {
	struct tb_policy policy;
	struct tb_previous previous;
	u64 size;
	ktime_t now;
};

/**
 * struct tb_pace - what moving a unit costs, by what it did cost
 * @host_ns: from handing over to the host's acknowledgment
 * @guest_ns: to allocate it
 */
struct tb_pace {
	u32 host_ns;
	u32 guest_ns;
};

/**
 * struct tb_item - pages on their way between guest and host
 * @direction: inflate or deflate
 * @count: planned or present pages
 * @pages: them
 * @policy: serial of the policy that they are moved for; 0: the host's target
 * @orders: the value of &tb_balloon.orders that the item was planned by
 * @forced: to be given back whatever the orders are
 * @planned_at: when
 * @sent_at: when it was handed over
 * @allocate_until: when to do with the pages that there are
 */
struct tb_item {
	enum tb_direction direction;
	unsigned int count;
	struct list_head pages;
	u64 policy;
	unsigned int orders;
	bool forced;
	ktime_t planned_at;
	ktime_t sent_at;
	ktime_t allocate_until;
};

/**
 * struct tb_balloon - one device
 * @vdev: the device
 * @dev: what sysfs shows, below the class
 * @status_node: the file that is polled
 * @number: of @dev
 * @deflate_on_oom: the host allows to take pages back when memory runs out
 * @inflate_vq: tells the host of pages that it gets
 * @deflate_vq: ... that are taken back
 * @stats_vq: statistics, or NULL
 * @reporting_vq: free page reporting, or NULL
 * @wq: for all work below
 * @move_work: moves one item
 * @target_work: reads the host's target
 * @stats_work: writes statistics
 * @pages: what the balloon holds
 * @reporter: registered with the page allocator if @reporting_vq
 * @reports: it is
 * @oom_notifier: told when memory has run out
 * @stats: with the host, which sends it back to ask for new ones
 * @stats_sent: @stats is with the host
 * @acked: woken when the host has acknowledged something
 * @io_mutex: protects the inflate and deflate queues, @pfns and @limbo
 * @pfns: of the request that is with the host
 * @limbo: pages of a request that the host never acknowledged
 * @lock: protects what follows
 * @stopping: nothing is begun any more, and waiting for the host has an end
 * @dead: no more requests, as the host did not answer one
 * @reset: the device was reset and has nothing of ours any more
 * @size: units in the balloon, those with the host at present included
 * @acked_at: the host's acknowledgment of the request; 0: not yet
 * @orders: counts all that could make a planned item wrong
 * @host_target: units that the host last asked for
 * @host_in_force: whether that counts when no policy runs
 * @notified: serial of the last policy when the host last notified its target
 * @inflate_pace: how fast it gets larger
 * @deflate_pace: ... and smaller
 * @stuck_since: since when nothing could be moved; 0: it could
 * @retry_at: not before this after a failure
 * @pause_ms: how long that was
 * @policy: the present or last policy
 * @previous: the one before it
 * @deadline_timer: ends the policy
 * @wake_timer: queues @move_work
 */
struct tb_balloon {
	struct virtio_device *vdev;
	struct device *dev;
	struct kernfs_node *status_node;
	int number;
	bool deflate_on_oom;
	struct virtqueue *inflate_vq;
	struct virtqueue *deflate_vq;
	struct virtqueue *stats_vq;
	struct virtqueue *reporting_vq;
	struct workqueue_struct *wq;
	struct work_struct move_work;
	struct work_struct target_work;
	struct work_struct stats_work;
	struct balloon_dev_info pages;
	struct page_reporting_dev_info reporter;
	bool reports;
	struct notifier_block oom_notifier;
	struct virtio_balloon_stat stats[VIRTIO_BALLOON_S_NR];
	bool stats_sent;
	wait_queue_head_t acked;

	/* one request at a time */
	struct mutex io_mutex;
	__virtio32 pfns[TB_ITEM_UNITS];
	struct list_head limbo;

	/* what decides how the balloon moves */
	spinlock_t lock;
	bool stopping;
	bool dead;
	bool reset;
	u64 size;
	ktime_t acked_at;
	unsigned int orders;
	u64 host_target;
	bool host_in_force;
	u64 notified;
	struct tb_pace inflate_pace;
	struct tb_pace deflate_pace;
	ktime_t stuck_since;
	ktime_t retry_at;
	unsigned int pause_ms;
	struct tb_policy policy;
	struct tb_previous previous;
	struct hrtimer deadline_timer;
	struct hrtimer wake_timer;
};

/* device.c: the virtqueues */
int tb_device_start(struct tb_balloon *balloon);
void tb_device_stop(struct tb_balloon *balloon, enum tb_reason reason);

/* host_target.c: the configuration that device and driver share */
void tb_target_changed(struct virtio_device *vdev);
void tb_target_read(struct work_struct *work);
bool tb_target_plan(struct tb_balloon *balloon, struct tb_item *item);
void tb_target_write_actual(struct tb_balloon *balloon);

/* mover.c: one item at a time */
void tb_move(struct work_struct *work);
unsigned int tb_grant(struct tb_balloon *balloon, const struct tb_item *item,
		      ktime_t now);
void tb_wake_at(struct tb_balloon *balloon, ktime_t when);
enum hrtimer_restart tb_wake(struct hrtimer *timer);

/* oom.c */
int tb_oom_start(struct tb_balloon *balloon);
void tb_oom_stop(struct tb_balloon *balloon);

/* pace.c */
void tb_pace_init(struct tb_pace *pace);
void tb_pace_begin(struct tb_pace *pace, u32 duration_ms);
void tb_pace_learn(struct tb_pace *pace, unsigned int units, s64 guest_ns,
		   s64 host_ns);
unsigned int tb_pace_fits(const struct tb_pace *pace, s64 left_ns,
			  bool allocated);

/* pages.c: the pages that the balloon holds, and those on their way */
void tb_pages_init(struct tb_balloon *balloon);
bool tb_pages_allocate(struct tb_balloon *balloon, struct tb_item *item);
void tb_pages_take_out(struct tb_balloon *balloon, struct tb_item *item);
void tb_pages_put_in(struct tb_balloon *balloon, struct list_head *pages);
void tb_pages_put_back(struct tb_balloon *balloon, struct list_head *pages);
void tb_pages_free(struct list_head *pages);
void tb_pages_drop_all(struct tb_balloon *balloon);
void tb_pages_count(struct tb_balloon *balloon, struct list_head *pages,
		    int count);

/* policy.c */
int tb_policy_start(struct tb_balloon *balloon, const struct tb_order *order);
int tb_policy_cancel(struct tb_balloon *balloon, const char *id);
enum hrtimer_restart tb_policy_timer(struct hrtimer *timer);
/* ... with the lock held: */
void tb_policy_end(struct tb_balloon *balloon, enum tb_reason reason);
bool tb_policy_plan(struct tb_balloon *balloon, struct tb_item *item,
		    u64 available);
unsigned int tb_policy_grant(struct tb_balloon *balloon, unsigned int pages,
			     ktime_t now);
void tb_policy_host_order(struct tb_balloon *balloon);
void tb_policy_acknowledged(struct tb_balloon *balloon,
			    const struct tb_item *item, u64 units, ktime_t at);

static inline bool tb_policy_runs(const struct tb_balloon *balloon)
{
	return balloon->policy.state == TB_RUNNING;
}

static inline struct tb_pace *tb_pace_of(struct tb_balloon *balloon,
					 enum tb_direction direction)
{
	return direction == TB_INFLATE ? &balloon->inflate_pace :
					 &balloon->deflate_pace;
}

/* How far it is from one size to another; 0 if that is not ahead. */
static inline u64 tb_way(enum tb_direction direction, u64 from, u64 to)
{
	if (direction == TB_INFLATE)
		return to > from ? to - from : 0;
	return from > to ? from - to : 0;
}

/* The device counts in 32 bits: 16 TiB of 4 KiB each. */
static inline bool tb_page_has_number(struct page *page)
{
	return page_to_pfn(page) <= U32_MAX / TB_UNITS_PER_PAGE;
}

/* reporting.c: free pages that the host may drop */
void tb_reporting_validate(struct virtio_device *vdev);
void tb_reporting_tell_poison(struct tb_balloon *balloon);
void tb_reporting_acknowledged(struct virtqueue *vq);
void tb_reporting_start(struct tb_balloon *balloon);
void tb_reporting_stop(struct tb_balloon *balloon);

/* request.c: requests to the host */
unsigned int tb_hand_over(struct tb_balloon *balloon, struct tb_item *item);
unsigned int tb_give_back(struct tb_balloon *balloon);
int tb_replace_page(struct tb_balloon *balloon, struct page *fresh,
		    struct page *old);
void tb_acknowledged(struct virtqueue *vq);

/* stats.c */
void tb_stats_asked(struct virtqueue *vq);
void tb_stats_write(struct work_struct *work);

/* status.c */
void tb_status_read(struct tb_balloon *balloon, struct tb_status *status);
ssize_t tb_status_print(const struct tb_status *status, char *buffer);

/* sysfs.c */
int tb_sysfs_init(void);
void tb_sysfs_exit(void);
int tb_sysfs_add(struct tb_balloon *balloon);
void tb_sysfs_remove(struct tb_balloon *balloon);

#endif /* TIMED_BALLOON_H */
