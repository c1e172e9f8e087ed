#: until Kernel panic
#: until ---[ end
taskset 2 provoke panic
