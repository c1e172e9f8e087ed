#: until ]---
taskset 1 provoke bug_on
