#: until ]---
taskset 2 provoke general_protection
