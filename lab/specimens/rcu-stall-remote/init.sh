#: append rcupdate.rcu_cpu_stall_timeout=3 nosoftlockup
#: until detected stalls
#: until whyfail_rcu_stall_irqs_off
#: grace 2
taskset 2 provoke rcu_stall_irqs_off &
sleep 1
