#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke tail_call whyptr
