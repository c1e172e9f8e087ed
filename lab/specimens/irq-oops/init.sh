#: until Kernel panic
#: until ---[ end
taskset 1 provoke irq_oops
