// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to the host: pages handed over, or asked back.
 *
 * Under the lock it is decided whether an item may go, in the same breath as
 * it goes: what a policy's end finds not handed over stays with the guest.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/preempt.h>

#include "compat.h"
#include "timed_balloon.h"

/* How long a host that ceased to answer can keep a device from going. */
#define TB_PATIENCE (5 * HZ)

/**
 * tb_acknowledged() - note that the host has done a request
 * @vq: the inflate or deflate queue
 *
 * This is an interrupt: the instant is the host's, whenever the mover runs.
 */
void tb_acknowledged(struct virtqueue *vq)
{
	struct tb_balloon *balloon = vq->vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	if (!balloon->acked_at)
		balloon->acked_at = ktime_get();
	spin_unlock_irqrestore(&balloon->lock, flags);
	wake_up(&balloon->acked);
}

static bool tb_is_done(struct virtqueue *vq)
{
	unsigned int length;

	return virtqueue_get_buf(vq, &length);
}

/* Without a device to stop, there is no reason not to wait for the host. */
static bool tb_wait(struct tb_balloon *balloon, struct virtqueue *vq)
{
	bool done;

	wait_event_idle(balloon->acked,
			(done = tb_is_done(vq)) || virtqueue_is_broken(vq) ||
			READ_ONCE(balloon->stopping));
	if (!done)
		wait_event_idle_timeout(balloon->acked,
					(done = tb_is_done(vq)) ||
					virtqueue_is_broken(vq), TB_PATIENCE);
	return done;
}

static void tb_write_pfns(struct tb_balloon *balloon, struct page *page,
			  unsigned int index)
{
	u32 pfn = page_to_pfn(page) * TB_UNITS_PER_PAGE;
	__virtio32 *to = balloon->pfns + index * TB_UNITS_PER_PAGE;
	unsigned int i;

	for (i = 0; i < TB_UNITS_PER_PAGE; i++)
		to[i] = cpu_to_virtio32(balloon->vdev, pfn + i);
}

/* With the lock held: there is no host that answers any more. */
static void tb_die(struct tb_balloon *balloon)
{
	WRITE_ONCE(balloon->dead, true);
	if (tb_policy_runs(balloon))
		tb_policy_end(balloon, TB_BY_STALL);
}

/* With both locks held; the host may see the request from now on. */
static bool tb_enqueue(struct tb_balloon *balloon, struct virtqueue *vq,
		       unsigned int pages, bool *notify)
{
	struct scatterlist sg;

	lockdep_assert_held(&balloon->io_mutex);
	lockdep_assert_held(&balloon->lock);
	if (balloon->dead)
		return false;
	sg_init_one(&sg, balloon->pfns,
		    pages * TB_UNITS_PER_PAGE * sizeof(balloon->pfns[0]));
	balloon->acked_at = 0;
	if (virtqueue_add_outbuf(vq, &sg, 1, balloon, GFP_ATOMIC)) {
		tb_die(balloon);
		return false;
	}
	*notify = virtqueue_kick_prepare(vq);
	return true;
}

static void tb_account(struct tb_balloon *balloon, const struct tb_item *item,
		       unsigned int units)
{
	u64 size = balloon->size;

	WRITE_ONCE(balloon->size, item->direction == TB_INFLATE ?
					  size + units : size - units);
	if (item->policy)
		balloon->policy.moved += units;
}

static unsigned int tb_send(struct tb_balloon *balloon, struct virtqueue *vq,
			    struct tb_item *item)
{
	bool notify = false;
	unsigned long flags;
	unsigned int pages;

	spin_lock_irqsave(&balloon->lock, flags);
	item->sent_at = ktime_get();
	pages = tb_grant(balloon, item, item->sent_at);
	if (pages && tb_enqueue(balloon, vq, pages, &notify))
		tb_account(balloon, item, pages * TB_UNITS_PER_PAGE);
	else
		pages = 0;
	/* Who gets in between now delays a request that was found in time. */
	preempt_disable();
	spin_unlock_irqrestore(&balloon->lock, flags);
	if (notify)
		virtqueue_notify(vq);
	preempt_enable();
	return pages;
}

static void tb_settle(struct tb_balloon *balloon, const struct tb_item *item,
		      unsigned int units)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	if (!balloon->acked_at)
		balloon->acked_at = ktime_get();
	if (!item->forced)
		tb_pace_learn(tb_pace_of(balloon, item->direction), units,
			      ktime_sub(item->sent_at, item->planned_at),
			      ktime_sub(balloon->acked_at, item->sent_at));
	tb_policy_acknowledged(balloon, item, units, balloon->acked_at);
	spin_unlock_irqrestore(&balloon->lock, flags);
}

static void tb_give_up(struct tb_balloon *balloon)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	tb_die(balloon);
	spin_unlock_irqrestore(&balloon->lock, flags);
}

/* Wait for the host, and put the pages where they belong then. */
static void tb_finish(struct tb_balloon *balloon, struct virtqueue *vq,
		      struct tb_item *item, struct list_head *sent,
		      unsigned int units)
{
	if (item->direction == TB_INFLATE)
		tb_pages_count(balloon, sent, -1);
	if (!tb_wait(balloon, vq)) {
		tb_give_up(balloon);
		list_splice(sent, &balloon->limbo);
		return;
	}
	tb_settle(balloon, item, units);
	if (item->direction == TB_INFLATE) {
		tb_pages_put_in(balloon, sent);
	} else {
		tb_pages_count(balloon, sent, 1);
		tb_pages_free(sent);
	}
	tb_target_write_actual(balloon);
}

/* Move the first pages of the item's list. */
static void tb_cut(struct tb_item *item, unsigned int pages,
		   struct list_head *sent)
{
	struct list_head *last = &item->pages;
	unsigned int i;

	for (i = 0; i < pages; i++)
		last = last->next;
	list_cut_position(sent, &item->pages, last);
	item->count -= pages;
}

static unsigned int tb_hand_over_locked(struct tb_balloon *balloon,
					struct tb_item *item)
{
	struct virtqueue *vq = item->direction == TB_INFLATE ?
				balloon->inflate_vq : balloon->deflate_vq;
	unsigned int pages = 0;
	struct page *page;
	LIST_HEAD(sent);

	lockdep_assert_held(&balloon->io_mutex);
	/* The host may still read the request that it was given up for. */
	if (READ_ONCE(balloon->dead))
		return 0;
	list_for_each_entry(page, &item->pages, lru)
		tb_write_pfns(balloon, page, pages++);
	pages = tb_send(balloon, vq, item);
	if (pages) {
		tb_cut(item, pages, &sent);
		tb_finish(balloon, vq, item, &sent, pages * TB_UNITS_PER_PAGE);
	}
	return pages;
}

/**
 * tb_hand_over() - move as much of an item as may still be moved
 * @balloon: the balloon
 * @item: pages for the host or, deflating, out of the balloon; gets the rest
 *
 * Return: how many pages were handed over
 */
unsigned int tb_hand_over(struct tb_balloon *balloon, struct tb_item *item)
{
	unsigned int pages;

	mutex_lock(&balloon->io_mutex);
	pages = tb_hand_over_locked(balloon, item);
	mutex_unlock(&balloon->io_mutex);
	return pages;
}

/**
 * tb_give_back() - give the guest an item's worth of pages, whatever is ordered
 * @balloon: the balloon
 *
 * Nobody has pages in his hands while the device is reset.
 *
 * Return: how many pages that were
 */
unsigned int tb_give_back(struct tb_balloon *balloon)
{
	struct tb_item item = {
		.direction = TB_DEFLATE,
		.count = TB_ITEM_UNITS / TB_UNITS_PER_PAGE,
		.pages = LIST_HEAD_INIT(item.pages),
		.forced = true,
	};
	unsigned int pages;

	mutex_lock(&balloon->io_mutex);
	tb_pages_take_out(balloon, &item);
	pages = tb_hand_over_locked(balloon, &item);
	tb_pages_put_back(balloon, &item.pages);
	mutex_unlock(&balloon->io_mutex);
	return pages;
}

#ifdef CONFIG_BALLOON_COMPACTION
static bool tb_tell(struct tb_balloon *balloon, struct virtqueue *vq,
		    struct page *page)
{
	bool notify = false;
	unsigned long flags;
	bool queued;

	if (READ_ONCE(balloon->dead))
		return false;
	tb_write_pfns(balloon, page, 0);
	spin_lock_irqsave(&balloon->lock, flags);
	queued = tb_enqueue(balloon, vq, 1, &notify);
	spin_unlock_irqrestore(&balloon->lock, flags);
	if (notify)
		virtqueue_notify(vq);
	if (!queued)
		return false;
	if (!tb_wait(balloon, vq))
		tb_give_up(balloon);
	return true;
}

/* Have the balloon own @fresh, and nobody but compaction @old. */
static void tb_exchange(struct tb_balloon *balloon, struct page *fresh,
			struct page *old)
{
	if (!balloon->deflate_on_oom && page_zone(fresh) != page_zone(old)) {
		adjust_managed_page_count(fresh, -1);
		adjust_managed_page_count(old, 1);
	}
	tb_page_exchange(&balloon->pages, fresh, old);
}

/**
 * tb_replace_page() - let the host have another page than one that it has
 * @balloon: the balloon
 * @fresh: the page to be given
 * @old: the page to be taken back
 *
 * Compaction does not wait for us: whoever has a request with the host may
 * himself wait for memory to be found.
 *
 * Return: 0, or -EAGAIN
 */
int tb_replace_page(struct tb_balloon *balloon, struct page *fresh,
		    struct page *old)
{
	int done = -EAGAIN;

	if (!tb_page_has_number(fresh) || !mutex_trylock(&balloon->io_mutex))
		return -EAGAIN;
	if (!READ_ONCE(balloon->stopping) &&
	    tb_tell(balloon, balloon->inflate_vq, fresh)) {
		tb_tell(balloon, balloon->deflate_vq, old);
		/* Better one page lost than one that the host still has. */
		if (READ_ONCE(balloon->dead))
			get_page(old);
		tb_exchange(balloon, fresh, old);
		done = 0;
	}
	mutex_unlock(&balloon->io_mutex);
	return done;
}
#endif
