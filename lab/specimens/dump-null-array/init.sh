#: lab-modules whyptr
#: modules qemu_fw_cfg
#: append panic=0
#: memory 256
#: until Kernel panic
#: until ---[ end Kernel panic
#: dump elf
taskset 2 provoke null_array whyptr
