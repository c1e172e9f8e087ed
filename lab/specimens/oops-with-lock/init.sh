#: append watchdog_thresh=2
#: until soft lockup
#: grace 2
taskset 1 provoke oops_with_lock
taskset 2 provoke oops_with_lock
