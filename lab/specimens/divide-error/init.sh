#: until ---[ end
taskset 1 provoke divide
