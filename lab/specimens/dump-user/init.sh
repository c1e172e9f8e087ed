#: programs callers
#: linked callers
#: modules qemu_fw_cfg
#: until the system still answers
#: dump elf
prepare_dump

# Both programs tell where each of their functions returns to.
for program in callers callers.linked; do
	for way in read signal thread; do
		$program $way &
		sleep 1
	done
done
sleep 2
echo "the system still answers"
