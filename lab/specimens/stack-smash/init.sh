#: until Kernel panic
#: until ]---
taskset 1 provoke stack_smash
