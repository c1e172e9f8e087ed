#: until ---[ end
taskset 2 provoke null_call
