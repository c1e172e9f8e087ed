#: until ---[ end
taskset 1 provoke work_oops
