#: until ]---
taskset 1 provoke divide
