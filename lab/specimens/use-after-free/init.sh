#: append slub_debug=FZPU
#: until ---[ end
taskset 2 provoke use_after_free
