#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke kernel_helper whyptr
