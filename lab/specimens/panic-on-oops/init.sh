#: append oops=panic panic=0
#: until Kernel panic
#: until ]---
taskset 1 provoke null_deref
