#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke size_overflow whyptr
