// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of the guest's memory.
 *
 * The host keeps the buffer, and sends it back to ask for new ones.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/virtio_config.h>
#include <linux/vmstat.h>

#include "timed_balloon.h"

void tb_stats_asked(struct virtqueue *vq)
{
	struct tb_balloon *balloon = vq->vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	if (!balloon->stopping)
		queue_work(balloon->wq, &balloon->stats_work);
	spin_unlock_irqrestore(&balloon->lock, flags);
}

static void tb_stats_add(struct tb_balloon *balloon, unsigned int *count,
			 u16 tag, u64 value)
{
	struct virtio_balloon_stat *stat = &balloon->stats[(*count)++];

	stat->tag = cpu_to_virtio16(balloon->vdev, tag);
	stat->val = cpu_to_virtio64(balloon->vdev, value);
}

#define tb_stats_add_pages(balloon, count, tag, pages) \
	tb_stats_add(balloon, count, tag, (u64)(pages) << PAGE_SHIFT)

static void tb_stats_add_sizes(struct tb_balloon *balloon, unsigned int *count)
{
	struct sysinfo info;

	si_meminfo(&info);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_MEMFREE,
			   info.freeram);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_MEMTOT,
			   info.totalram);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_AVAIL,
			   max(si_mem_available(), 0L));
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_CACHES,
			   global_node_page_state(NR_FILE_PAGES));
}

#ifdef CONFIG_VM_EVENT_COUNTERS
#ifdef VIRTIO_BALLOON_S_ALLOC_STALL
static u64 tb_stats_stalls(const unsigned long *events)
{
	u64 sum = events[ALLOCSTALL_MOVABLE] + events[ALLOCSTALL_NORMAL];

#ifdef CONFIG_ZONE_DMA
	sum += events[ALLOCSTALL_DMA];
#endif
#ifdef CONFIG_ZONE_DMA32
	sum += events[ALLOCSTALL_DMA32];
#endif
#ifdef CONFIG_HIGHMEM
	sum += events[ALLOCSTALL_HIGH];
#endif
#ifdef CONFIG_ZONE_DEVICE
	sum += events[ALLOCSTALL_DEVICE];
#endif
	return sum;
}

static void tb_stats_add_reclaim(struct tb_balloon *balloon,
				 unsigned int *count,
				 const unsigned long *events)
{
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_OOM_KILL,
		     events[OOM_KILL]);
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_ALLOC_STALL,
		     tb_stats_stalls(events));
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_ASYNC_SCAN,
			   events[PGSCAN_KSWAPD]);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_DIRECT_SCAN,
			   events[PGSCAN_DIRECT]);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_ASYNC_RECLAIM,
			   events[PGSTEAL_KSWAPD]);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_DIRECT_RECLAIM,
			   events[PGSTEAL_DIRECT]);
}
#else
static void tb_stats_add_reclaim(struct tb_balloon *balloon,
				 unsigned int *count,
				 const unsigned long *events)
{
}
#endif

static void tb_stats_add_events(struct tb_balloon *balloon,
				unsigned int *count)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_SWAP_IN,
			   events[PSWPIN]);
	tb_stats_add_pages(balloon, count, VIRTIO_BALLOON_S_SWAP_OUT,
			   events[PSWPOUT]);
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_MAJFLT,
		     events[PGMAJFAULT]);
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_MINFLT, events[PGFAULT]);
#ifdef CONFIG_HUGETLB_PAGE
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_HTLB_PGALLOC,
		     events[HTLB_BUDDY_PGALLOC]);
	tb_stats_add(balloon, count, VIRTIO_BALLOON_S_HTLB_PGFAIL,
		     events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
	tb_stats_add_reclaim(balloon, count, events);
}
#else
static void tb_stats_add_events(struct tb_balloon *balloon,
				unsigned int *count)
{
}
#endif

/**
 * tb_stats_write() - give the host the statistics of this moment
 * @work: the balloon's
 */
void tb_stats_write(struct work_struct *work)
{
	struct tb_balloon *balloon =
		container_of(work, struct tb_balloon, stats_work);
	struct virtqueue *vq = balloon->stats_vq;
	unsigned int count = 0;
	struct scatterlist sg;
	unsigned int length;

	if (balloon->stats_sent && !virtqueue_get_buf(vq, &length))
		return;
	tb_stats_add_events(balloon, &count);
	tb_stats_add_sizes(balloon, &count);
	sg_init_one(&sg, balloon->stats, count * sizeof(balloon->stats[0]));
	balloon->stats_sent = !virtqueue_add_outbuf(vq, &sg, 1, balloon,
						    GFP_KERNEL);
	virtqueue_kick(vq);
}
