#: append sysctl.kernel.hung_task_timeout_secs=3 sysctl.kernel.hung_task_panic=1
#: until Kernel panic
#: until ---[ end
taskset 1 provoke abba_mutex &
taskset 2 provoke abba_mutex &
