#: until Kernel panic
#: until ---[ end
taskset 1 provoke stack_smash
