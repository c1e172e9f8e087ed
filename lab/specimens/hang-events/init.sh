#: lab-modules whylock
#: types whylock
#: modules qemu_fw_cfg
#: deadline 240
#: until all of them wait
#: dump elf
for way in event_semaphore event_completion event_work event_rtnl; do
	echo $way >/proc/whylock
done
settled D "sem-complete sem-send cmd-submit cmd-irq work-close rtnl-down"
