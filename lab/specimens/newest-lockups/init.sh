#: kernel amd64-newest
#: append watchdog_thresh=2 rcupdate.rcu_cpu_stall_timeout=8 sysctl.kernel.hung_task_timeout_secs=3
#: until blocked for more than
#: until blocked for more than
#: until soft lockup
#: until self-detected stall
#: until whyfail_soft_lockup
#: grace 1
taskset 1 provoke abba_mutex &
taskset 1 provoke abba_mutex &
sleep 7
echo 0 >/proc/sys/kernel/hung_task_timeout_secs
taskset 2 provoke soft_lockup &
sleep 1
