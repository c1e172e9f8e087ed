#: programs crasher
#: lab-modules
#: until divide error
#: until general protection
#: grace 2
taskset 1 crasher null
taskset 2 crasher divide
taskset 1 crasher wild
