#: modules qemu_fw_cfg
#: append watchdog_thresh=2 softlockup_panic=1
#: until Kernel panic
#: until ---[ end
#: dump elf
prepare_dump

taskset 2 provoke soft_lockup
