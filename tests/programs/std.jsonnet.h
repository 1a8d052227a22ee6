// The standard library as Jsonnet's own build writes it: its characters, and a zero.
#embed "stdlib/std.jsonnet" suffix(, 0)
