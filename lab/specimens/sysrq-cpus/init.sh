#: append nosoftlockup rcupdate.rcu_cpu_stall_suppress=1
#: until Show backtrace of all active CPUs
#: until whyfail_soft_lockup
#: grace 2
taskset 2 provoke soft_lockup &
sleep 1
taskset 1 sh -c 'echo l >/proc/sysrq-trigger'
