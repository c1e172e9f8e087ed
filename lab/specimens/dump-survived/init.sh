#: modules qemu_fw_cfg
#: memory 512
#: until the system went on
#: dump elf
#: dump zlib
prepare_dump

taskset 2 provoke null_deref
sleep 2
echo "the system went on"
