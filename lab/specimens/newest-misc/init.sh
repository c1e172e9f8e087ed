#: kernel amd64-newest
#: append rcupdate.rcu_cpu_stall_timeout=3
#: programs crasher leaky
#: until segfault
#: until scheduling while atomic
#: until page allocation failure
#: until Killed process
#: until detected stalls
#: until whyfail_rcu_stall_asleep
#: grace 1
taskset 1 crasher null
taskset 1 provoke atomic_sleep
sleep 1
taskset 2 provoke page_allocation
taskset 1 leaky
taskset 2 provoke rcu_stall_asleep &
sleep 1
