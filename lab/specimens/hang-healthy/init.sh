#: lab-modules whylock
#: types whylock
#: modules qemu_fw_cfg
#: deadline 240
#: until all of them wait
#: dump elf
echo healthy >/proc/whylock
settled D "ok-archive/0 ok-archive/1 ok-print/0 ok-print/1 ok-read/7 ok-write ok-flush"
