#: kernel amd64-newer
#: cpus 1
#: modules qemu_fw_cfg
#: append oops=panic panic=0
#: memory 512
#: until Kernel panic
#: until ---[ end Kernel panic
#: dump elf
#: dump zlib
prepare_dump

provoke null_deref
