#: until Object 0x
#: until FIX
#: grace 3
taskset 1 provoke poison_write
