"""check_firefox.py PROFILE JSONL [WEIGHT]: tables fit together, and say what --json says."""
import collections
import decimal
import gzip
import json
import sys

import trace_rows

profile = json.load(gzip.open(sys.argv[1]), parse_float=decimal.Decimal)
rows = trace_rows.load(sys.argv[2])
weight = sys.argv[3] if len(sys.argv) > 3 else "cpu"
samples = trace_rows.samples(rows, trace_rows.text)
header = rows[0]
assert profile["meta"]["preprocessedProfileVersion"] == 49
assert profile["meta"]["startTime"] * 10**6 == header["utc_ns"]


def columns(table):
    lengths = {len(column) for column in table.values() if isinstance(column, list)}
    assert lengths <= {table["length"]}, (table.keys(), lengths)
    return table


def ns(ms):
    return int(ms * 10**6)


found, cpu, tids = collections.Counter(), collections.Counter(), collections.Counter()
markers = []
for thread in profile["threads"]:
    strings = thread["stringArray"]
    assert len(set(strings)) == len(strings)
    stack, frame = columns(thread["stackTable"]), columns(thread["frameTable"])
    func, resource = columns(thread["funcTable"]), columns(thread["resourceTable"])
    columns(thread["nativeSymbols"])
    assert all(0 <= lib < len(profile["libs"]) for lib in resource["lib"])
    assert all(-1 <= r < resource["length"] for r in func["resource"])
    paths = []  # by stack, root first
    for row, (prefix, at) in enumerate(zip(stack["prefix"], stack["frame"])):
        assert prefix is None or prefix < row, "a caller after what it calls"
        paths.append((paths[prefix] if prefix is not None else ()) +
                     (strings[func["name"][frame["func"][at]]],))
    assert len(set(zip(stack["prefix"], stack["frame"]))) == stack["length"], "a stack twice"
    table = columns(thread["samples"])
    assert table["weightType"] == ("samples" if weight == "samples" else "tracing-ms")
    assert table["time"] == sorted(table["time"])
    for at, value in zip(table["stack"], table["weight"]):
        if at is None:
            assert value == 0
        else:
            found[thread["tid"], paths[at]] += value if weight == "samples" else ns(value)
    assert not table["length"] or table["stack"][-1] is None and table["threadCPUDelta"][0] == 0
    cpu[thread["tid"]] += sum(table["threadCPUDelta"])
    tids[thread["pid"], thread["tid"]] += 1
    mark = columns(thread["markers"])
    markers += [(thread["tid"], strings[name], phase, start, end, data) for name, phase, start, end,
                data in zip(*(mark[c] for c in "name phase startTime endTime data".split()))]
assert set(tids.values()) <= {1}, "a thread twice"

taken = [s for s in samples if s["weights"][weight]]
wanted = collections.Counter()
for s in taken:
    wanted[s["tid"], s["frames"]] += s["weights"][weight]
assert found == wanted, (found - wanted, wanted - found)
wanted = collections.Counter()
for s in taken:
    wanted[s["tid"]] += s["weights"]["cpu"]
assert +cpu == +wanted

# Markers: spans with their arguments, instants, losses, execs and exits.
by_type = collections.Counter((data["type"], phase) for _, _, phase, _, _, data in markers)
spans = [row for row in rows if row["kind"] == "span"]
assert by_type["Span", 2] == sum(row["phase"] == "begin" for row in spans)
assert by_type["Span", 3] == sum(row["phase"] == "end" for row in spans)
texts = sorted(data.get("args") or data["result"] for *_, data in markers
               if {"args", "result"} & set(data))
assert texts == sorted(trace_rows.text(row["name"]) + "=" + trace_rows.text(row["value"])
                       for row in rows if row["kind"] == "arg")
kinds = "instant lost exec exit alive".split()
assert by_type["Remark", 0] == sum(row["kind"] in kinds for row in rows)
assert sum(data["count"] for *_, data in markers if "count" in data) == \
    sum(row["count"] for row in rows if row["kind"] == "lost")

# Counters: differences that add up to each value.
values = collections.Counter()
for counter in profile["counters"]:
    total, thread = 0, profile["threads"][counter["mainThreadIndex"]]
    assert thread["pid"] == counter["pid"]
    table = columns(counter["samples"])
    for time, change in zip(table["time"], table["count"]):
        total += change
        values[counter["name"].removeprefix("machine: "), ns(time), total] += 1
assert values == collections.Counter(
    (row["name"], row["time_ns"] - header["time_ns"], row["value"]) for row in rows
    if row["kind"] == "counter" and row["value"] is not None and not row.get("tid"))

for lib, row in zip(profile["libs"], (row for row in rows if row["kind"] == "mapping")):
    assert lib["path"] == trace_rows.text(row["path"]) and lib["codeId"] == row.get("build_id")

# What its own reader will be asked for: self time by function, CPU time by thread.
own = collections.defaultdict(collections.Counter)
for s in taken:
    own[s["tid"]][s["frames"][-1]] += s["weights"][weight]
print(json.dumps({tid: {"own": own[tid], "cpu": cpu[tid]} for tid in own}))
