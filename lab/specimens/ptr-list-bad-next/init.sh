#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke list_bad_next whyptr
