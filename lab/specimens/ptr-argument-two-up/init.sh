#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke argument_two_up whyptr
