#: lab-modules whypatch
#: until ---[ end
taskset 2 provoke static_key whypatch
