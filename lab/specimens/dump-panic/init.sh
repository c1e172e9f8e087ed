#: types whyfail
#: modules qemu_fw_cfg
#: append oops=panic panic=0
#: memory 512
#: until Kernel panic
#: until ---[ end Kernel panic
#: dump elf
#: dump zlib
prepare_dump

taskset 2 provoke null_deref
