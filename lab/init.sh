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
# For specimens that leave a dump: tasks that sleep in ways of their own, and one that runs; then the truth to
# compare the dump with.
tell() {
	echo "=== $1"
	shift
	"$@"
}
prepare_dump() {
	mkfifo /tmp/fifo
	sleep 1000 &
	cat /tmp/fifo &
	sh -c "read line <>/tmp/fifo" &
	(cd /proc && exec sleep 2000) &
	tell ps ps -o pid,ppid,stat,comm
	tell modules cat /proc/modules
	tell kallsyms head -n 20 /proc/kallsyms
	tell symbols grep -E " (init_task|swapper_pg_dir|init_top_pgt|_stext|linux_banner|log_buf|prb|whyfail_null_deref)\b" /proc/kallsyms
	tell iomem cat /proc/iomem
	tell vmcoreinfo cat /sys/kernel/vmcoreinfo
	tell meminfo head -n 5 /proc/meminfo
	echo "=== end"
}
# For specimens that hang: waits until the threads of these names are in this state, then lets them wait for as long as
# a wait must last to count, and tells where each is. Who never comes there makes the run fail.
sleeps() {
	for process in /proc/[0-9]*; do
		[ "$(cat "$process/comm" 2>/dev/null)" = "$1" ] || continue
		grep -q "^State:.$2" "$process/status" && return 0
	done
	return 1
}
settled() {
	for name in $2; do
		tries=0
		until sleeps "$name" "$1"; do
			tries=$((tries + 1))
			[ $tries -gt 60 ] && echo "$name does not sleep" && return 1
			sleep 1
		done
	done
	sleep 15
	for process in /proc/[0-9]*; do
		grep -q -- - "$process/comm" || continue
		tell "stack of $(cat "$process/comm")" cat "$process/stack"
	done
	echo "all of them wait"
}
. /specimen
# The first process must not end, unless that is the specimen.
while :; do
	sleep 1000
done
