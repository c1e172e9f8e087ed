#: lab-modules whyptr
#: until Kernel panic
#: until ---[ end
taskset 2 provoke null_array whyptr
