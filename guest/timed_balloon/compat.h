/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that this module builds for, 6.1 and later.
 * No other file asks for a version.
 */
#ifndef TB_COMPAT_H
#define TB_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <linux/virtio_config.h>
#include <linux/vmstat.h>

#include "timed_balloon.h"

#if KERNEL_VERSION(6, 1, 0) > LINUX_VERSION_CODE
#error "timed_balloon needs Linux 6.1 or later"
#endif

#if KERNEL_VERSION(6, 11, 0) > LINUX_VERSION_CODE
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};

static inline int tb_find_vqs(struct virtio_device *vdev, unsigned int count,
			      struct virtqueue *vqs[],
			      struct virtqueue_info info[])
{
	vq_callback_t *callbacks[TB_QUEUES_MAX];
	const char *names[TB_QUEUES_MAX];
	unsigned int i;

	for (i = 0; i < count; i++) {
		callbacks[i] = info[i].callback;
		names[i] = info[i].name;
	}
	return virtio_find_vqs(vdev, count, vqs, callbacks, names, NULL);
}
#else
static inline int tb_find_vqs(struct virtio_device *vdev, unsigned int count,
			      struct virtqueue *vqs[],
			      struct virtqueue_info info[])
{
	return virtio_find_vqs(vdev, count, vqs, info, NULL);
}
#endif

static inline void tb_timer_setup(struct hrtimer *timer,
				  enum hrtimer_restart (*function)(struct hrtimer *))
{
#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->function = function;
#else
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
#endif
}

#ifdef TB_HAS_BALLOON_H
/* Compaction itself does this, once the host has the other page. */
static inline void tb_page_exchange(struct balloon_dev_info *info,
				    struct page *fresh, struct page *old)
{
}
#else
/* Make a page that compaction took out of the balloon an ordinary one. */
static inline void tb_page_finalize(struct page *page)
{
#ifdef TB_HAS_PAGE_FINALIZE
	balloon_page_finalize(page);
#else
	balloon_page_delete(page);
#endif
}

/* Have the balloon own @fresh, and nobody but compaction @old. */
static inline void tb_page_exchange(struct balloon_dev_info *info,
				    struct page *fresh, struct page *old)
{
	unsigned long flags;

	get_page(fresh);
	spin_lock_irqsave(&info->pages_lock, flags);
	balloon_page_insert(info, fresh);
	info->isolated_pages--;
	__count_vm_event(BALLOON_MIGRATE);
	tb_page_finalize(old);
	spin_unlock_irqrestore(&info->pages_lock, flags);
	put_page(old);
}
#endif

#endif /* TB_COMPAT_H */
