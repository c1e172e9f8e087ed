#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke global_unset whyptr
