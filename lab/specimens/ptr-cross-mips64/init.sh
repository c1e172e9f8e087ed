#: object mips64 null_array
#: until ---[ end
