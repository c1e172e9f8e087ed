#: kernel s390x
#: cpus 1
#: memory 512
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: grace 4
provoke warn
provoke bug_on
provoke general_protection
