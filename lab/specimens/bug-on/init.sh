#: until ---[ end
taskset 1 provoke bug_on
