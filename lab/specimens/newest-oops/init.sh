#: kernel amd64-newest
#: cpus 1
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: grace 2
provoke warn
provoke refcount
provoke bug_on
provoke list_corruption
provoke general_protection
provoke null_deref
