#: until underflow
#: until ---[ end
taskset 2 provoke refcount
