#!/usr/bin/python3
"""A reader of traces made of docs/FORMAT.md, zstandard and cbor2 only. Prints counts and sums."""
import io
import sys

import cbor2, zstandard

TYPES = {64: ("u", 1), 69: ("u", 2), 70: ("u", 4), 71: ("u", 8),
         72: ("s", 1), 77: ("s", 2), 78: ("s", 4), 79: ("s", 8)}
MASK = (1 << 64) - 1


def stored(column, count):
    if isinstance(column, cbor2.CBORTag):
        sign, width = TYPES[column.tag]
        data = column.value
        return [int.from_bytes(data[i:i + width], "little", signed=sign == "s")
                for i in range(0, len(data), width)]
    return column if isinstance(column, list) else [column or 0] * count


def values(chunk, name, schema):
    column, count = schema[name], chunk["count"]
    out = list(stored(chunk["columns"].get(name), count))
    tick, is_time = (chunk.get("tick", 1), True) if name == "time" else (1, False)
    before = chunk["time"][0] // tick if is_time else 0
    keys = values(chunk, column["by"], schema) if "by" in column else [0] * count
    last = {}
    transform = column.get("transform")
    for i, value in enumerate(out):
        if transform == "back":
            out[i] = chunk["first_id"] + i - value if value else 0
        elif transform == "delta":
            before = last.get(keys[i], 0 if "by" in column else before) + value
            out[i] = last[keys[i]] = before
    if column["type"] == "text":
        return out
    bits = int(column["type"][1:])
    out = [value * tick & MASK & (1 << bits) - 1 for value in out]
    if column["type"][0] == "s":
        out = [value - (1 << bits) if value >> bits - 1 else value for value in out]
    return out


def chunks(path):
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    sequence = io.BytesIO(data)
    while sequence.tell() < len(data):
        item = cbor2.load(sequence)
        yield item.value if isinstance(item, cbor2.CBORTag) else item


def main(path):
    totals = {}
    for number, chunk in enumerate(chunks(path)):
        assert chunk["seq"] == number, "a chunk is missing"
        if chunk["kind"] == "header":
            schema = chunk["schema"]
        elif chunk["kind"] == "end":
            assert chunk["chunks"] == number + 1
        elif chunk["kind"] in schema and not chunk.get("repeat"):
            kind = totals.setdefault(chunk["kind"], {"rows": 0})
            kind["rows"] += chunk["count"]
            for name in schema[chunk["kind"]]:
                column = values(chunk, name, schema[chunk["kind"]])
                assert len(column) == chunk["count"]
                if schema[chunk["kind"]][name]["type"] == "text":
                    column = [len(t.encode() if isinstance(t, str) else t) for t in column]
                kind[name] = (kind.get(name, 0) + sum(column)) & MASK
    for kind in sorted(totals):
        for name in sorted(totals[kind]):
            print(kind, name, totals[kind][name])


main(sys.argv[1])
