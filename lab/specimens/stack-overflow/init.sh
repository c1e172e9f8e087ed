#: until ---[ end
taskset 1 provoke stack_overflow
