#: until whyfail_warn
#: until ]---
#: until ]---
taskset 2 provoke warn
