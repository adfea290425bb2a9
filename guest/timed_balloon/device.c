// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtqueues, from the features agreed on to the device's reset.
 */
#include <linux/delay.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "timed_balloon.h"

/* A queue that was not agreed on has no number: those after it move up. */
static int tb_find_queues(struct tb_balloon *balloon)
{
	struct virtqueue_info info[TB_QUEUES_MAX] = {};
	struct virtqueue **to[TB_QUEUES_MAX];
	struct virtqueue *vqs[TB_QUEUES_MAX];
	struct virtio_device *vdev = balloon->vdev;
	unsigned int count = 0;
	unsigned int i;
	int error;

	info[count].name = "inflate";
	info[count].callback = tb_acknowledged;
	to[count++] = &balloon->inflate_vq;
	info[count].name = "deflate";
	info[count].callback = tb_acknowledged;
	to[count++] = &balloon->deflate_vq;
	balloon->stats_vq = NULL;
	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_STATS_VQ)) {
		info[count].name = "stats";
		info[count].callback = tb_stats_asked;
		to[count++] = &balloon->stats_vq;
	}
	balloon->reporting_vq = NULL;
	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_REPORTING)) {
		info[count].name = "reporting";
		info[count].callback = tb_reporting_acknowledged;
		to[count++] = &balloon->reporting_vq;
	}
	error = tb_find_vqs(vdev, count, vqs, info);
	if (error)
		return error;
	for (i = 0; i < count; i++)
		*to[i] = vqs[i];
	return 0;
}

/* What the host wants is not known yet; it counts from here on. */
static void tb_open(struct tb_balloon *balloon)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	WRITE_ONCE(balloon->stopping, false);
	WRITE_ONCE(balloon->dead, false);
	WRITE_ONCE(balloon->reset, false);
	balloon->stats_sent = false;
	balloon->host_in_force = false;
	balloon->notified = balloon->policy.serial;
	spin_unlock_irqrestore(&balloon->lock, flags);
	queue_work(balloon->wq, &balloon->target_work);
	if (balloon->stats_vq)
		queue_work(balloon->wq, &balloon->stats_work);
}

static void tb_reset(struct tb_balloon *balloon)
{
	unsigned long flags;

	/* Compaction may have a request with the host, and looks at its queue. */
	mutex_lock(&balloon->io_mutex);
	virtio_reset_device(balloon->vdev);
	spin_lock_irqsave(&balloon->lock, flags);
	WRITE_ONCE(balloon->dead, true);
	WRITE_ONCE(balloon->reset, true);
	spin_unlock_irqrestore(&balloon->lock, flags);
	mutex_unlock(&balloon->io_mutex);
	wake_up_all(&balloon->acked);
	tb_reporting_stop(balloon);
	tb_pages_drop_all(balloon);
	balloon->vdev->config->del_vqs(balloon->vdev);
}

/**
 * tb_device_start() - set the device up, and obey the host
 * @balloon: the balloon, which is empty
 *
 * Return: 0 or a negative error
 */
int tb_device_start(struct tb_balloon *balloon)
{
	int error = tb_find_queues(balloon);

	if (error)
		return error;
	tb_reporting_tell_poison(balloon);
	virtio_device_ready(balloon->vdev);
	/* Before a reboot it may have been another size. */
	tb_target_write_actual(balloon);
	error = tb_oom_start(balloon);
	if (error) {
		tb_reset(balloon);
		return error;
	}
	tb_reporting_start(balloon);
	tb_open(balloon);
	return 0;
}

static void tb_close(struct tb_balloon *balloon, enum tb_reason reason)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	WRITE_ONCE(balloon->stopping, true);
	WRITE_ONCE(balloon->orders, balloon->orders + 1);
	if (tb_policy_runs(balloon))
		tb_policy_end(balloon, reason);
	spin_unlock_irqrestore(&balloon->lock, flags);
	wake_up_all(&balloon->acked);
	hrtimer_cancel(&balloon->deadline_timer);
	hrtimer_cancel(&balloon->wake_timer);
	cancel_work_sync(&balloon->target_work);
	cancel_work_sync(&balloon->stats_work);
	cancel_work_sync(&balloon->move_work);
}

/**
 * tb_device_stop() - end the policy, give the guest every page, reset
 * @balloon: the balloon
 * @reason: why the policy ends
 */
void tb_device_stop(struct tb_balloon *balloon, enum tb_reason reason)
{
	tb_close(balloon, reason);
	tb_oom_stop(balloon);
	while (READ_ONCE(balloon->size) && !READ_ONCE(balloon->dead)) {
		if (!tb_give_back(balloon))
			usleep_range(1000, 2000);
	}
	tb_reset(balloon);
}
