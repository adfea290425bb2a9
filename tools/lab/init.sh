#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The lab guest's PID 1. It reads its orders from the kernel command line:
#
#   nbt.driver=stock      load virtio_balloon
#   nbt.driver=timed      load timed_balloon in its place
#   nbt.driver=off        load no balloon driver
#   nbt.zram=MIB          swap on a zram device of that size
#   nbt.disk_swap=MIB     swap on the first disk, which has that size
#   nbt.cache=MIB         have so much clean page cache (not beside zram)
#   nbt.touch=MIB         write to so much memory once, before 'nbt: ready'
#   nbt.hog=MIB           start the hog with that working set
#   nbt.hog_after=S       ... so many seconds after 'nbt: ready'
#   nbt.hog_grow=MIB      ... growing by so much a second
#   nbt.hog_max=MIB       ... up to that size
#   nbt.hog_pause_ms=MS   ... resting so long between two passes
#
# What a program may want to read on the console starts with 'nbt: '.
# It never exits, so the guest never panics.

export PATH=/bin:/sbin:/usr/sbin

param() {  # NAME DEFAULT: what the command line says, or the default
    for word in $cmdline; do
        case $word in
        "nbt.$1="*) echo "${word#*=}"; return ;;
        esac
    done
    echo "$2"
}

load() {  # MODULE...: failures show on the console, and do no harm
    for module; do
        insmod "/modules/$module.ko"
    done
}

swap_on_zram() {
    load zsmalloc lzo-rle zram
    echo "$1M" > /sys/block/zram0/disksize
    mkswap /dev/zram0 > /dev/null && swapon /dev/zram0 \
        && echo "nbt: zram mib=$1"
}

swap_on_disk() {
    load virtio_blk
    mkswap /dev/vda > /dev/null && swapon /dev/vda \
        && echo "nbt: disk_swap mib=$1"
}

fill_cache() {
    load zsmalloc lzo-rle zram
    echo "$1M" > /sys/block/zram0/disksize
    # What was never written reads as zeros and costs zram nothing. The cache
    # of a device goes when the last one closes it: it stays open.
    exec 9< /dev/zram0
    cat <&9 > /dev/null
}

agent() {  # without udev a port is found by its name
    tries=0
    while [ $((tries += 1)) -le 100 ]; do
        for port in /sys/class/virtio-ports/*; do
            [ "$(cat "$port/name" 2> /dev/null)" = org.qemu.guest_agent.0 ] \
                || continue
            qemu-ga -m virtio-serial -p "/dev/${port##*/}" -t /run
            echo "nbt: agent exit=$?"
            return
        done
        sleep 0.1
    done
}

run_hog() {
    sleep "$(param hog_after 0)"
    hog "$1" "$(param hog_grow 0)" "$(param hog_max 0)" \
        "$(param hog_pause_ms 100)"
    echo "nbt: hog exit=$?"
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec < /dev/console > /dev/console 2>&1
cmdline=$(cat /proc/cmdline)

load virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
case $(param driver stock) in
stock) load virtio_balloon ;;
timed) load timed_balloon ;;
esac
if grep -q 0x0003 /sys/bus/virtio/devices/*/device 2> /dev/null; then
    load virtio_console
    agent &
fi
zram=$(param zram 0)
[ "$zram" = 0 ] || swap_on_zram "$zram"
disk_swap=$(param disk_swap 0)
[ "$disk_swap" = 0 ] || swap_on_disk "$disk_swap"
cache=$(param cache 0)
[ "$cache" = 0 ] || fill_cache "$cache"
touch=$(param touch 0)
[ "$touch" = 0 ] || { hog "$touch"; echo "nbt: touch exit=$?"; }
echo 'nbt: ready'
hog=$(param hog 0)
[ "$hog" = 0 ] || run_hog "$hog" &
while :; do
    sleep 3600 &
    wait $!
done
