#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke inlined_twice whyptr
