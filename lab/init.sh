#!/bin/sh
# The first process of every guest: prepares the usual file systems, loads the modules, then runs the
# specimen's own script.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for name in $(cat /lib/load); do
	insmod "/lib/$name.ko"
done
# From here on the console shows everything.
dmesg -n 8
. /specimen
# The first process must not end, unless that is the specimen.
while :; do
	sleep 1000
done
