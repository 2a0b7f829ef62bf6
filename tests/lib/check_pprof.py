"""check_pprof.py PROFILE JSONL: the profile obeys pprof's rules and says what --json says."""
import collections
import gzip
import sys

import protobuf
import trace_rows

profile = protobuf.message(gzip.open(sys.argv[1]).read())
rows = trace_rows.load(sys.argv[2])
samples = trace_rows.samples(rows)
header = rows[0]

strings = [s.decode() for s in profile[6]]  # strictly UTF-8
assert strings[0] == "" and len(set(strings)) == len(strings)
assert not any(c < " " or "\x7f" <= c < "\xa0" for s in strings for c in s), "control characters"


def one(message, number, default=0):
    assert len(message.get(number, [])) <= 1, "a field twice"
    return message.get(number, [default])[0]


def string(message, number):
    return strings[one(message, number)]


types = [protobuf.message(t) for t in profile[1]]
assert [(string(t, 1), string(t, 2)) for t in types] == [("samples", "count")] + \
    [(weight, "nanoseconds") for weight in trace_rows.WEIGHTS[1:]]
assert string(profile, 14) == (sys.argv[3] if len(sys.argv) > 3 else "cpu")
assert one(profile, 9) == header["utc_ns"]
assert one(profile, 12) == (10**9 // header["rate_hz"] if header["rate_hz"] else 0)

functions, locations, mappings = {}, {}, {}
for data in profile.get(3, []):
    mapping = protobuf.message(data)
    mappings[one(mapping, 1)] = mapping
for data in profile.get(5, []):
    function = protobuf.message(data)
    functions[one(function, 1)] = function
for data in profile.get(4, []):
    location = protobuf.message(data)
    lines = [protobuf.message(line) for line in location[4]]
    mapping = one(location, 2)
    assert not mapping or one(location, 3) < one(mappings[mapping], 3), "beyond its mapping"
    locations[one(location, 1)] = [
        (string(functions[one(line, 1)], 2), string(functions[one(line, 1)], 4), one(line, 2),
         one(functions[one(line, 1)], 5)) for line in lines]
    assert len(lines) == 1 or one(mappings[mapping], 10), "inlined lines are not announced"
assert 0 not in functions and 0 not in locations and 0 not in mappings
for table, number in (mappings, 3), (functions, 5), (locations, 4):
    assert len(table) == len(profile.get(number, [])), "an id twice"

found, keys = collections.defaultdict(collections.Counter), set()
for data in profile.get(2, []):
    sample = protobuf.message(data)
    ids = protobuf.packed(one(sample, 1))
    frames = tuple(name for id in ids[::-1] for name, *_ in locations[id][::-1])
    labels = {}
    for label in map(protobuf.message, sample.get(3, [])):
        assert string(label, 1) not in labels
        labels[string(label, 1)] = string(label, 2) or one(label, 3)
    state = {"waiting for the GIL": "gil"}.get(labels["state"], labels["state"])
    values = protobuf.packed(one(sample, 2))
    assert len(values) == len(types)
    key = labels["process"], labels["pid"], labels["thread"], labels["tid"], state, tuple(ids)
    assert key not in keys, "samples that are alike"
    keys.add(key)
    found[labels["pid"], labels["tid"], state, frames].update(
        dict(zip(trace_rows.WEIGHTS, values)))
wanted = collections.defaultdict(collections.Counter)
for s in samples:
    wanted[s["pid"], s["tid"], s["state"], s["frames"]].update(s["weights"])
assert found == wanted, "other sums than those of --json"

# Mappings and places in code, as the tables of the trace have them.
paths = {row["id"]: row for row in rows if row["kind"] == "mapping"}
for id, mapping in mappings.items():
    assert string(mapping, 5) == trace_rows.clean(paths[id]["path"])
    assert string(mapping, 6) == paths[id].get("build_id", "")
print("\n".join(f"{weight} {total}" for weight, total in trace_rows.totals(samples).items()))
