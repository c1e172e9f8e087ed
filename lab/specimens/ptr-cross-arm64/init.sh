#: object arm64 null_array
#: until ---[ end
