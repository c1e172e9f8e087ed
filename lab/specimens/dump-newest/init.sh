#: kernel amd64-newest
#: cpus 1
#: modules qemu_fw_cfg
#: append oops=panic panic=0
#: memory 512
#: until Kernel panic
#: until ---[ end Kernel panic
#: dump elf
#: dump zlib
# Tasks that sleep in ways of their own, and one that runs.
mkfifo /tmp/fifo
sleep 1000 &
cat /tmp/fifo &
sh -c "read line <>/tmp/fifo" &
(cd /proc && exec sleep 2000) &
# The truth to compare a dump with.
tell() {
	echo "=== $1"
	shift
	"$@"
}
tell ps ps -o pid,ppid,stat,comm
tell modules cat /proc/modules
tell kallsyms head -n 20 /proc/kallsyms
tell symbols grep -E " (init_task|swapper_pg_dir|init_top_pgt|_stext|linux_banner|log_buf|prb|whyfail_null_deref)\b" /proc/kallsyms
tell iomem cat /proc/iomem
tell vmcoreinfo cat /sys/kernel/vmcoreinfo
tell meminfo head -n 5 /proc/meminfo
echo "=== end"

provoke null_deref
