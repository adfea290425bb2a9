// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free page reporting: the page allocator tells of free pages, and the host may
 * drop them.
 */
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/sizes.h>
#include <linux/virtio_config.h>

#include "timed_balloon.h"

static bool tb_wants_contents(void)
{
	return want_init_on_free() || page_poisoning_enabled_static();
}

/**
 * tb_reporting_validate() - choose the features before they are agreed on
 * @vdev: the device
 *
 * A guest that expects of free pages what it wrote into them must be able to
 * tell the device, or the device must not drop them. With free page hints,
 * which we do without, nobody knows the number of the queue for reports.
 */
void tb_reporting_validate(struct virtio_device *vdev)
{
	if (vdev->config->get_features(vdev) &
	    BIT_ULL(VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_REPORTING);
	if (!tb_wants_contents())
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_PAGE_POISON);
	else if (!virtio_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_REPORTING);
}

void tb_reporting_tell_poison(struct tb_balloon *balloon)
{
	struct virtio_device *vdev = balloon->vdev;
	u32 poison = 0;

	if (!virtio_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		return;
	if (!want_init_on_free())
		memset(&poison, PAGE_POISON, sizeof(poison));
	virtio_cwrite_le(vdev, struct virtio_balloon_config, poison_val,
			 &poison);
}

void tb_reporting_acknowledged(struct virtqueue *vq)
{
	struct tb_balloon *balloon = vq->vdev->priv;

	wake_up(&balloon->acked);
}

/*
 * As long as the host may still drop the pages they must not come back to the
 * allocator: nothing but its answer or the device's reset ends the wait.
 */
static int tb_report(struct page_reporting_dev_info *reporter,
		     struct scatterlist *sg, unsigned int count)
{
	struct tb_balloon *balloon =
		container_of(reporter, struct tb_balloon, reporter);
	struct virtqueue *vq = balloon->reporting_vq;
	unsigned int length;
	void *done;
	int error;

	error = virtqueue_add_inbuf(vq, sg, count, balloon,
				    GFP_NOWAIT | __GFP_NOWARN);
	if (error)
		return error;
	virtqueue_kick(vq);
	wait_event_idle(balloon->acked,
			(done = virtqueue_get_buf(vq, &length)) ||
			virtqueue_is_broken(vq) || READ_ONCE(balloon->reset));
	return done ? 0 : -EIO;
}

/**
 * tb_reporting_start() - have the page allocator report, if the host wants it
 * @balloon: the balloon of a device that is ready
 *
 * A balloon does without, as when another one reports already.
 */
void tb_reporting_start(struct tb_balloon *balloon)
{
	struct virtqueue *vq = balloon->reporting_vq;
	int error;

	if (!vq)
		return;
	if (virtqueue_get_vring_size(vq) < PAGE_REPORTING_CAPACITY) {
		dev_warn(&balloon->vdev->dev, "no free page reporting: the queue is too short\n");
		return;
	}
	balloon->reporter.report = tb_report;
	/* Blocks of hundreds of MiB, as with pages of 64 KiB, are hardly free. */
	if (PAGE_SIZE > SZ_4K)
		balloon->reporter.order = get_order(SZ_2M);
	error = page_reporting_register(&balloon->reporter);
	if (error)
		dev_warn(&balloon->vdev->dev, "no free page reporting: error %d\n",
			 error);
	balloon->reports = !error;
}

void tb_reporting_stop(struct tb_balloon *balloon)
{
	if (balloon->reports)
		page_reporting_unregister(&balloon->reporter);
	balloon->reports = false;
}
