#: lab-modules whyptr
#: until ---[ end
taskset 2 provoke callback_overwritten whyptr
