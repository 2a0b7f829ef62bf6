#!/usr/bin/python3
"""strip_index.py TRACE OUT: the same trace without its index and seek table. Prints its frames."""
import struct
import sys

data = open(sys.argv[1], "rb").read()
count, descriptor, magic = struct.unpack("<IBI", data[-9:])
assert magic == 0x8F92EAB1 and descriptor == 0, "no seek table"
table = data[-9 - 8 * count:-9]
sizes = [struct.unpack_from("<II", table, 8 * i) for i in range(count)]
head = len(data) - 9 - 8 * count - 8
assert struct.unpack("<II", data[head:head + 8]) == (0x184D2A5E, len(data) - head - 8)
assert sum(packed for packed, _ in sizes) == head, "the sizes do not add up"
open(sys.argv[2], "wb").write(data[:head - sizes[-1][0]])
offset = 0
for packed, unpacked in sizes:
    print(offset, packed, unpacked)
    offset += packed
