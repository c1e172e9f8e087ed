#: until whyfail_warn
#: until ---[ end
#: until ---[ end
taskset 2 provoke warn
