#: until ---[ end
taskset 1 provoke read_only_write
