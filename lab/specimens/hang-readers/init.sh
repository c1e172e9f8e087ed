#: lab-modules whylock
#: types whylock
#: modules qemu_fw_cfg
#: deadline 240
#: until all of them wait
#: dump elf
echo three_readers >/proc/whylock
settled D "read-forward read-leave"
