#: lab-modules
#: until Kernel panic
#: until ---[ end
exit 3
