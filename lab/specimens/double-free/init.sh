#: append slub_debug=FZPU
#: until FIX
#: grace 3
taskset 2 provoke double_free
