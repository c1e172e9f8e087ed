#: kernel ppc64el
#: append watchdog_thresh=2 nosoftlockup rcupdate.rcu_cpu_stall_suppress=1
#: memory 512
#: until hard LOCKUP
#: grace 6
taskset 2 provoke rcu_stall_irqs_off &
sleep 1
