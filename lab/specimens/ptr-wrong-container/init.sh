#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke wrong_container whyptr
