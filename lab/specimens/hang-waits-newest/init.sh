#: kernel amd64-newest
#: lab-modules whywait
#: types whywait
#: programs futexes
#: modules qemu_fw_cfg
#: cpus 4
#: deadline 300
#: append rcupdate.rcu_cpu_stall_timeout=300 nowatchdog
#: until all wait
#: dump elf
futexes &
sleep 4
echo 1 >/sys/module/whywait/parameters/stop &
sleep 8
echo "all wait"
