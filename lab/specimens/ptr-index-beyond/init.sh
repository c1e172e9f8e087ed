#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke index_beyond whyptr
