#: append slub_debug=FZPU
#: until ]---
taskset 2 provoke use_after_free
