#: append watchdog_thresh=2
#: until soft lockup
#: grace 2
taskset 2 provoke soft_lockup
