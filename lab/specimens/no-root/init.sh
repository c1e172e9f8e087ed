#: lab-modules
#: append rdinit=/missing
#: until Kernel panic
#: until ---[ end
