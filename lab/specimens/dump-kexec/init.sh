#: types whyfail
#: programs crash_kernel
#: tools makedumpfile
#: crash-kernel vmcore.zlib vmcore.lzo vmcore.flat
#: append oops=panic crashkernel=192M
#: memory 512
#: deadline 180
#: until the crash kernel is loaded
#: until Linux version
#: until the dumps are kept
if [ "$AFTER_PANIC" ]; then
	makedumpfile -c -d 31 /proc/vmcore vmcore.zlib
	makedumpfile -l -d 31 /proc/vmcore vmcore.lzo
	makedumpfile -F -c -d 31 /proc/vmcore >vmcore.flat
	ls -l
	return
fi
prepare_dump

crash_kernel /boot/image /boot/initramfs "console=ttyS0,115200 loglevel=6 nr_cpus=1 reset_devices irqpoll"
taskset 2 provoke null_deref
