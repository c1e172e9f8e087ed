#: lab-modules whypatch
#: until ---[ end
taskset 2 provoke alternative whypatch
