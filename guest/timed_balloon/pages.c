// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that the balloon holds, and how it gets and returns them.
 *
 * The kernel's balloon compaction keeps the list, so that they can be moved.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/migrate_mode.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/swap.h>

#include "compat.h"
#include "timed_balloon.h"

#ifdef CONFIG_BALLOON_COMPACTION
/*
 * Put another page in the place of one of ours; both are locked. The one that
 * goes keeps its list entry, which compaction uses.
 */
static int tb_pages_migrate(struct balloon_dev_info *info, struct page *fresh,
			    struct page *old, enum migrate_mode mode)
{
	struct tb_balloon *balloon =
		container_of(info, struct tb_balloon, pages);

	/* The host is waited for. */
	if (mode == MIGRATE_ASYNC)
		return -EAGAIN;
	return tb_replace_page(balloon, fresh, old);
}
#endif

void tb_pages_init(struct tb_balloon *balloon)
{
	balloon_devinfo_init(&balloon->pages);
#ifdef CONFIG_BALLOON_COMPACTION
	balloon->pages.migratepage = tb_pages_migrate;
#endif
	INIT_LIST_HEAD(&balloon->limbo);
}

/* So many pages are allocated between two looks at the clock, which cost. */
#define TB_LOOK_AT_CLOCK 16

/* Without swap this part of the memory is left, or something is killed. */
#define TB_SPARED_PART 64

/* How many pages the guest can do without, whatever the host wants. */
static unsigned int tb_pages_spare(void)
{
	long spare = si_mem_available() - get_num_physpages() / TB_SPARED_PART;

	return get_nr_swap_pages() > 0 ? UINT_MAX : clamp(spare, 0L, (long)INT_MAX);
}

/*
 * Not all that counts as available can be had at once. A page from below the
 * low watermark is one of those that others live on until kswapd has found
 * more.
 */
static bool tb_page_is_needed(struct page *page)
{
	struct zone *zone = page_zone(page);

	return get_nr_swap_pages() <= 0 &&
	       zone_page_state(zone, NR_FREE_PAGES) < low_wmark_pages(zone);
}

/**
 * tb_pages_allocate() - get the pages of an item
 * @balloon: the balloon
 * @item: says how many; gets them and their number
 *
 * It stops early when the orders change or the time for it is over. The
 * allocator neither warns, nor uses reserves, nor kills anybody for us.
 *
 * Return: false if there were not enough
 */
bool tb_pages_allocate(struct tb_balloon *balloon, struct tb_item *item)
{
	unsigned int wanted = min(item->count, tb_pages_spare());
	bool enough = wanted == item->count;
	struct page *page;

	for (item->count = 0; item->count < wanted; item->count++) {
		if (READ_ONCE(balloon->orders) != item->orders)
			break;
		if (item->count % TB_LOOK_AT_CLOCK == 0 &&
		    ktime_after(ktime_get(), item->allocate_until))
			break;
		page = balloon_page_alloc();
		if (!page)
			return false;
		if (!tb_page_has_number(page) || tb_page_is_needed(page)) {
			put_page(page);
			return false;
		}
		list_add_tail(&page->lru, &item->pages);
	}
	return enough;
}

/**
 * tb_pages_take_out() - take pages out of the balloon
 * @balloon: the balloon
 * @item: says how many; gets them and their number
 *
 * There are less, perhaps none, while compaction has some in its hands.
 */
void tb_pages_take_out(struct tb_balloon *balloon, struct tb_item *item)
{
	item->count = balloon_page_list_dequeue(&balloon->pages, &item->pages,
						item->count);
}

/* Put in pages that are fresh from the allocator: nobody else has them. */
void tb_pages_put_in(struct tb_balloon *balloon, struct list_head *pages)
{
	balloon_page_list_enqueue(&balloon->pages, pages);
}

/**
 * tb_pages_put_back() - put in what was taken out
 * @balloon: the balloon
 * @pages: some pages; ends empty
 *
 * Compaction may have seen such a page before, and lock it for a moment to find
 * that it is not in the balloon.
 */
void tb_pages_put_back(struct tb_balloon *balloon, struct list_head *pages)
{
	struct balloon_dev_info *info = &balloon->pages;
	unsigned long flags;
	struct page *page;

	while ((page = balloon_page_pop(pages))) {
		lock_page(page);
		spin_lock_irqsave(&info->pages_lock, flags);
		balloon_page_insert(info, page);
		spin_unlock_irqrestore(&info->pages_lock, flags);
		unlock_page(page);
	}
}

/**
 * tb_pages_count() - say that pages are the guest's, or are not
 * @balloon: the balloon
 * @pages: some pages
 * @count: 1 or -1
 *
 * What the guest gets back when it runs out of memory stays part of its total.
 */
void tb_pages_count(struct tb_balloon *balloon, struct list_head *pages,
		    int count)
{
	struct page *page;

	if (balloon->deflate_on_oom)
		return;
	list_for_each_entry(page, pages, lru)
		adjust_managed_page_count(page, count);
}

void tb_pages_free(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		put_page(page);
	}
}

/* Compaction has those that are not in the list, and puts them there again. */
static bool tb_pages_are_left(struct tb_balloon *balloon)
{
	struct balloon_dev_info *info = &balloon->pages;
	unsigned long flags;
	bool left;

	spin_lock_irqsave(&info->pages_lock, flags);
	left = info->isolated_pages || !list_empty(&info->pages);
	spin_unlock_irqrestore(&info->pages_lock, flags);
	return left;
}

static void tb_pages_drop(struct tb_balloon *balloon, struct list_head *pages)
{
	tb_pages_count(balloon, pages, 1);
	tb_pages_free(pages);
}

/**
 * tb_pages_drop_all() - free what the host was not, or could not be, asked for
 * @balloon: the balloon of a device that was reset
 */
void tb_pages_drop_all(struct tb_balloon *balloon)
{
	struct tb_item item = {
		.pages = LIST_HEAD_INIT(item.pages),
	};

	while (tb_pages_are_left(balloon)) {
		item.count = TB_ITEM_UNITS;
		tb_pages_take_out(balloon, &item);
		if (!item.count)
			usleep_range(1000, 2000);
		tb_pages_drop(balloon, &item.pages);
		cond_resched();
	}
	tb_pages_drop(balloon, &balloon->limbo);
	WRITE_ONCE(balloon->size, 0);
}
