#: kernel riscv64
#: cpus 1
#: memory 512
#: until ---[ end
#: until ---[ end
#: until ---[ end
#: grace 4
provoke warn
provoke null_deref
