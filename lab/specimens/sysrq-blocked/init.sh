#: append sysctl.kernel.hung_task_timeout_secs=0
#: until Show Blocked State
#: until whyfail_abba_mutex
#: until whyfail_abba_mutex
#: grace 2
taskset 1 provoke abba_mutex &
taskset 2 provoke abba_mutex &
sleep 1
echo w >/proc/sysrq-trigger
