#: kernel riscv64
#: cpus 1
#: memory 512
#: until ---[ end
#: grace 4
provoke bug_on
