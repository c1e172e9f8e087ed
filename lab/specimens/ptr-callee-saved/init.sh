#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke callee_saved whyptr
