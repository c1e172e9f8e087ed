#: until ---[ end
taskset 1 provoke list_corruption
