#: until underflow
#: until ]---
taskset 2 provoke refcount
