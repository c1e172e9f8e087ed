#: append oops=panic panic=0
#: until Kernel panic
#: until ---[ end
taskset 1 provoke null_deref
