#: append sysctl.kernel.hung_task_timeout_secs=0
#: cpus 1
#: until Show State
#: until Showing busy workqueues
#: grace 3
provoke abba_mutex &
provoke abba_mutex &
sleep 1
echo t >/proc/sysrq-trigger
