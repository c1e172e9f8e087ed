#: modules virtio_net
#: append loglevel=8
#: until ---[ end
taskset 2 provoke null_deref
