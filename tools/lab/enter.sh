#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# enter.sh ROOT CGROUPS COMMAND...: in a mount namespace of our own, put
# folders of ROOT where libvirt keeps its state, and run the command in those
# cgroups: folders with colons between them, or none.
set -eu
root=$1
cgroups=$2
shift 2
IFS=:
for cgroup in $cgroups; do
    echo $$ > "$cgroup/cgroup.procs"
done
unset IFS
for name in run:/run cache:/var/cache etc:/etc lib:/var/lib log:/var/log; do
    place=${name#*:}/libvirt
    mkdir -p "$place"
    mount --bind "$root/${name%%:*}" "$place"
done
# Keep systemd's machined, if there is one, from making scopes for our guests.
if [ -d /run/dbus ]; then
    mount --bind "$root/empty" /run/dbus
fi
# A device that libvirt may open and QEMU cannot use makes libvirt probe QEMU
# anew at every start of a domain. access(2) lets root read and write every
# device; but nobody may write a plain file on a read-only mount.
if [ -e /dev/kvm ]; then
    mount --bind "$root/no-kvm" /dev/kvm
    mount -o remount,bind,ro /dev/kvm
fi
exec "$@"
