// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a balloon: /sys/class/timed_balloon/balloonN; see the file ABI.
 */
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/sysfs.h>

#include "timed_balloon.h"

static DEFINE_IDA(tb_numbers);

static ssize_t abi_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%d\n", TB_ABI);
}
static DEVICE_ATTR_RO(abi);

static ssize_t policy_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	struct tb_balloon *balloon = dev_get_drvdata(dev);
	struct tb_order order;
	int error;

	error = tb_parse_order(buf, count, &order);
	if (error)
		return error;
	if (order.verb == TB_CANCEL)
		error = tb_policy_cancel(balloon, order.id);
	else
		error = tb_policy_start(balloon, &order);
	return error ? error : count;
}
static DEVICE_ATTR_WO(policy);

static ssize_t status_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct tb_balloon *balloon = dev_get_drvdata(dev);
	struct tb_status status;

	tb_status_read(balloon, &status);
	return tb_status_print(&status, buf);
}
static DEVICE_ATTR_RO(status);

static struct attribute *tb_attrs[] = {
	&dev_attr_abi.attr,
	&dev_attr_policy.attr,
	&dev_attr_status.attr,
	NULL
};
ATTRIBUTE_GROUPS(tb);

static struct class tb_class = {
	.name = "timed_balloon",
	.dev_groups = tb_groups,
};

int tb_sysfs_init(void)
{
	return class_register(&tb_class);
}

void tb_sysfs_exit(void)
{
	class_unregister(&tb_class);
	ida_destroy(&tb_numbers);
}

/* A timer cannot look for the file that it notifies. */
static void tb_set_status_node(struct tb_balloon *balloon,
			       struct kernfs_node *node)
{
	unsigned long flags;

	spin_lock_irqsave(&balloon->lock, flags);
	swap(balloon->status_node, node);
	spin_unlock_irqrestore(&balloon->lock, flags);
	sysfs_put(node);
}

int tb_sysfs_add(struct tb_balloon *balloon)
{
	int number = ida_alloc(&tb_numbers, GFP_KERNEL);
	struct device *dev;

	if (number < 0)
		return number;
	dev = device_create(&tb_class, &balloon->vdev->dev, MKDEV(0, 0),
			    balloon, "balloon%d", number);
	if (IS_ERR(dev)) {
		ida_free(&tb_numbers, number);
		return PTR_ERR(dev);
	}
	balloon->dev = dev;
	balloon->number = number;
	tb_set_status_node(balloon, sysfs_get_dirent(dev->kobj.sd, "status"));
	return 0;
}

/**
 * tb_sysfs_remove() - take the files away, and wait for whoever is in one
 * @balloon: the balloon
 */
void tb_sysfs_remove(struct tb_balloon *balloon)
{
	tb_set_status_node(balloon, NULL);
	device_unregister(balloon->dev);
	ida_free(&tb_numbers, balloon->number);
}
