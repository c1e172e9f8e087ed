#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke either_branch whyptr
