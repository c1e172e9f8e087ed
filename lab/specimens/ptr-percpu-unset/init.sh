#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke percpu_unset whyptr
