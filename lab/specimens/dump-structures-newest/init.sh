#: kernel amd64-newest
#: cpus 1
#: modules qemu_fw_cfg
#: append oops=panic panic=0
#: memory 512
#: until Kernel panic
#: until ---[ end Kernel panic
#: dump elf
prepare_dump
# What the kernel says of its structures: addresses only to whoever may see them.
echo 1 >/proc/sys/kernel/kptr_restrict
page_flags() {
	dd if=/proc/kpageflags bs=65536 count=1 2>/dev/null | od -An -v -t x8 -w8 | uniq -c
}
tell maps cat /proc/1/maps
tell pids ls -1 /proc
tell kpageflags page_flags
tell vmallocinfo cat /proc/vmallocinfo
tell slabinfo cat /proc/slabinfo
echo "=== end of structures"

provoke null_deref
