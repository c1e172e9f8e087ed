#: until Kernel panic
#: until ]---
taskset 2 provoke panic
