#: until Kernel panic
#: until ]---
taskset 1 provoke irq_oops
