#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke return_err_ptr whyptr
