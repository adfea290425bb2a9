// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the traditional memory balloon device of the virtio standard,
 * which beside the host's target obeys policies with a deadline.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "compat.h"
#include "timed_balloon.h"

static void tb_init(struct tb_balloon *balloon, struct virtio_device *vdev)
{
	balloon->vdev = vdev;
	balloon->deflate_on_oom =
		virtio_has_feature(vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	spin_lock_init(&balloon->lock);
	mutex_init(&balloon->io_mutex);
	init_waitqueue_head(&balloon->acked);
	INIT_WORK(&balloon->move_work, tb_move);
	INIT_WORK(&balloon->target_work, tb_target_read);
	INIT_WORK(&balloon->stats_work, tb_stats_write);
	tb_timer_setup(&balloon->deadline_timer, tb_policy_timer);
	tb_timer_setup(&balloon->wake_timer, tb_wake);
	tb_pages_init(balloon);
	tb_pace_init(&balloon->inflate_pace);
	tb_pace_init(&balloon->deflate_pace);
	/* Nothing begins before the device is ready. */
	balloon->stopping = true;
	vdev->priv = balloon;
}

static int tb_validate(struct virtio_device *vdev)
{
	if (!vdev->config->get) {
		dev_err(&vdev->dev, "no access to the configuration\n");
		return -EINVAL;
	}
	tb_reporting_validate(vdev);
	/* Page numbers are the guest's own, whatever there is for DMA. */
	__virtio_clear_bit(vdev, VIRTIO_F_ACCESS_PLATFORM);
	return 0;
}

static int tb_probe(struct virtio_device *vdev)
{
	struct tb_balloon *balloon = kzalloc(sizeof(*balloon), GFP_KERNEL);
	int error = -ENOMEM;

	if (!balloon)
		return -ENOMEM;
	tb_init(balloon, vdev);
	/* A host that wants the balloon smaller is heard also out of memory. */
	balloon->wq = alloc_workqueue("timed_balloon-%s",
				      WQ_FREEZABLE | WQ_UNBOUND |
				      WQ_MEM_RECLAIM, 0, dev_name(&vdev->dev));
	if (!balloon->wq)
		goto free;
	error = tb_device_start(balloon);
	if (error)
		goto destroy;
	error = tb_sysfs_add(balloon);
	if (error)
		goto stop;
	return 0;

stop:
	tb_device_stop(balloon, TB_NO_REASON);
destroy:
	destroy_workqueue(balloon->wq);
free:
	kfree(balloon);
	return error;
}

static void tb_remove(struct virtio_device *vdev)
{
	struct tb_balloon *balloon = vdev->priv;

	tb_sysfs_remove(balloon);
	tb_device_stop(balloon, TB_NO_REASON);
	destroy_workqueue(balloon->wq);
	kfree(balloon);
}

#ifdef CONFIG_PM_SLEEP
static int tb_freeze(struct virtio_device *vdev)
{
	tb_device_stop(vdev->priv, TB_BY_SUSPEND);
	return 0;
}

static int tb_restore(struct virtio_device *vdev)
{
	return tb_device_start(vdev->priv);
}
#endif

static const struct virtio_device_id tb_ids[] = {
	{ VIRTIO_ID_BALLOON, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, tb_ids);

static const unsigned int tb_features[] = {
	VIRTIO_BALLOON_F_MUST_TELL_HOST,
	VIRTIO_BALLOON_F_STATS_VQ,
	VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
	VIRTIO_BALLOON_F_PAGE_POISON,
	VIRTIO_BALLOON_F_REPORTING,
};

static struct virtio_driver tb_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.id_table = tb_ids,
	.feature_table = tb_features,
	.feature_table_size = ARRAY_SIZE(tb_features),
	.validate = tb_validate,
	.probe = tb_probe,
	.remove = tb_remove,
	.config_changed = tb_target_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = tb_freeze,
	.restore = tb_restore,
#endif
};

static int __init tb_module_init(void)
{
	int error = tb_sysfs_init();

	if (error)
		return error;
	error = register_virtio_driver(&tb_driver);
	if (error)
		tb_sysfs_exit();
	return error;
}
module_init(tb_module_init);

static void __exit tb_module_exit(void)
{
	unregister_virtio_driver(&tb_driver);
	tb_sysfs_exit();
}
module_exit(tb_module_exit);

MODULE_DESCRIPTION("Virtio balloon that keeps a deadline by the guest's clock");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
