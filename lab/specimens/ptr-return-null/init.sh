#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke return_null whyptr
