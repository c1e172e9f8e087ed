#: object riscv64 null_array
#: until ---[ end
