#: lab-modules
#: until Kernel panic
#: until ---[ end
echo c >/proc/sysrq-trigger
