#: until ]---
taskset 2 provoke usercopy
