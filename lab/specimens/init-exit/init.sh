#: lab-modules
#: until Kernel panic
#: until ]---
exit 3
