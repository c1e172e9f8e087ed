#: until ---[ end
taskset 2 provoke usercopy
