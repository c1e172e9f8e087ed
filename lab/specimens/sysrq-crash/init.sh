#: lab-modules
#: until Kernel panic
#: until ]---
echo c >/proc/sysrq-trigger
