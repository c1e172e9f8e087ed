#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke null_member whyptr
