#: kernel amd64-newest
#: append slab_debug=FZPU
#: cpus 1
#: until FIX
#: until FIX
#: until FIX
#: grace 4
provoke poison_write
provoke redzone
provoke double_free
