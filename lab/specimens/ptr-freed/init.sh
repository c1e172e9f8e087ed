#: lab-modules whyptr
#: append slub_debug=FZPU
#: until ---[ end
taskset 2 provoke freed whyptr
