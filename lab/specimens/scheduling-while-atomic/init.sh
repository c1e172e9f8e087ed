#: until BUG: scheduling while atomic
#: grace 3
taskset 2 provoke atomic_sleep
