#: append sysctl.kernel.hung_task_timeout_secs=3
#: until blocked for more than
#: until blocked for more than
#: until blocked for more than
#: until blocked for more than
#: grace 2
taskset 1 provoke held_mutex &
sleep 1
taskset 2 provoke held_mutex &
