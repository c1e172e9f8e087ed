#: programs leaky
#: until Killed process
#: grace 3
taskset 1 leaky
