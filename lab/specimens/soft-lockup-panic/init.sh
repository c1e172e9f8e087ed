#: append watchdog_thresh=2 softlockup_panic=1 softlockup_all_cpu_backtrace=1
#: until Kernel panic
#: until ---[ end
taskset 2 provoke soft_lockup
