#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke stack_uninitialised whyptr
