#: lab-modules whyaggr
#: types whyaggr
#: modules qemu_fw_cfg
#: until the system still answers
#: dump elf
#: dump zlib
prepare_dump

# The name of the process is that of the command which an administrator gave.
cp /bin/provoke /bin/dladm
dladm remove whyaggr &
sleep 2
echo count >/proc/whyaggr
sleep 1
ps -o pid,stat,comm
echo "the system still answers"
