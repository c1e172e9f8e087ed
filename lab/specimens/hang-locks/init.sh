#: lab-modules whylock
#: types whylock
#: modules qemu_fw_cfg
#: deadline 240
#: until all of them wait
#: dump elf
for way in mutex_abba mutex_ring mutex_twice read_twice read_over owner_gone; do
	echo $way >/proc/whylock
done
settled D "abba-deposit abba-payout abba-audit ring-discard ring-lend ring-return twice-flush trap-list trap-add
	over-scan over-rename over-sync gone-drop"
