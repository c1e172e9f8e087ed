#: types whyfail
#: modules qemu_fw_cfg
#: programs waiters
#: memory 3072
#: deadline 300
#: until all wait: 10000 threads
#: until the system went on
#: dump elf
prepare_dump

provoke waiting_threads
waiters 20 500 &
# Until they all wait.
while [ "$(cut -d / -f 2 /proc/loadavg | cut -d ' ' -f 1)" -lt 10070 ]; do
	sleep 1
done
sleep 5
echo "the system went on"
