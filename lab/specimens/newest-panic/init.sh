#: kernel amd64-newest
#: append oops=panic
#: until Kernel panic
#: until ---[ end
taskset 2 provoke null_deref
