#: modules qemu_fw_cfg
#: until Kernel panic
#: until ---[ end
#: dump elf
prepare_dump

taskset 2 provoke irq_oops
