#: append rcupdate.rcu_cpu_stall_timeout=3 nosoftlockup
#: until self-detected stall
#: until whyfail_rcu_stall
#: grace 3
taskset 1 provoke rcu_stall &
sleep 1
