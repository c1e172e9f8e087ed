#: append sysctl.kernel.hung_task_timeout_secs=3
#: until blocked for more than
#: until blocked for more than
#: grace 1
taskset 1 provoke abba_mutex &
taskset 2 provoke abba_mutex &
