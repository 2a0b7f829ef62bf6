#!/usr/bin/python3
"""Samples on a CPU per function: read_trace.py TRACE. docs/FORMAT.md says what is what."""
import array, bisect, collections, io, itertools, sys
import cbor2, zstandard

CODES = {64: "B", 69: "H", 70: "I", 71: "Q", 72: "b", 77: "h", 78: "i", 79: "q"}
rows = collections.defaultdict(lambda: [collections.defaultdict(int)])  # by kind and id; id 0 is none

def column(chunk, name, field):
    v = chunk["columns"].get(name, 0)  # a typed array, a list of texts, or one value for all rows
    v = array.array(CODES[v.tag], v.value) if hasattr(v, "tag") else v if type(v) is list else [v] * chunk["count"]
    if field.get("transform") == "back":
        return [i - v if v else 0 for i, v in enumerate(v, chunk["first_id"])]
    return [v % 2**64 for v in itertools.accumulate(v)] if "transform" in field else v

data = zstandard.ZstdDecompressor().stream_reader(open(sys.argv[1], "rb"), read_across_frames=True).read()
sequence = io.BytesIO(data)
while sequence.tell() < len(data):
    chunk = getattr(chunk := cbor2.load(sequence), "value", chunk)  # the header is tagged
    schema = chunk["schema"] if chunk["kind"] == "header" else schema
    if (kind := chunk["kind"]) in schema and not chunk.get("repeat"):
        rows[kind] += [dict(zip(schema[kind], row)) for row in zip(*(column(chunk, *f) for f in schema[kind].items()))]

symbols = {(s["mapping"], s["address"]): s for s in reversed(rows["symbol"])}  # the innermost of a range is first
starts = sorted(symbols)
def name(frame):
    s = symbols[starts[bisect.bisect(starts, (frame["mapping"], frame["address"])) - 1]]
    is_inside = s["mapping"] == frame["mapping"] and frame["address"] < s["address"] + s["length"]
    return rows["string"][(s if is_inside else frame)["function"]]["text"] or "?"

leaves = (rows["frame"][rows["stack"][s["stack"]]["frame"]] for s in rows["sample"] if s["stack"] and not s["state"])
sys.stdout.writelines(f"{n} {function}\n" for function, n in collections.Counter(map(name, leaves)).most_common())
