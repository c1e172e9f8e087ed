#: modules qemu_fw_cfg
#: append unknown_nmi_panic
#: cpus 1
#: until waiting for the button
#: pause 3
#: monitor nmi
#: until Kernel panic
#: until ---[ end
#: dump elf
prepare_dump

echo 'waiting for the button'
provoke rcu_stall_irqs_off
