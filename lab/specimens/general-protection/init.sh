#: until ---[ end
taskset 2 provoke general_protection
