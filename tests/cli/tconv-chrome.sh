#!/bin/bash
# Chrome traces obey the rules of their viewers: spans pair and nest, lifetimes enclose, counters
# stay in their process and fall to 0 at its end; totals are those of --json. (Samples: tconv-totals.)
. "$ROOT/tests/lib/tconv.sh"

check() {
    "$tconv" -q --chrome-trace "$@" >t.json
    "$tconv" -q --json "$@" >t.jsonl
    /usr/bin/python3 - <<'PYTHON'
import collections, decimal, json

trace = json.load(open("t.json"), parse_float=decimal.Decimal)
rows = [json.loads(line) for line in open("t.jsonl")]
start_ns, events = rows[0]["time_ns"], trace["traceEvents"]
ns = lambda us: int(us * 1000)

spans, lifetimes, depth = [], {}, collections.defaultdict(list)
for event in events:
    assert event["ph"] in "MXBEiC" and event["ts"] >= 0, event
    key = event["pid"], event["tid"]
    if event["ph"] == "X":
        assert key not in lifetimes, "two lifetimes of one thread"
        lifetimes[key] = ns(event["ts"]), ns(event["ts"] + event["dur"])
    elif event["ph"] == "B":
        depth[key].append(event)
    elif event["ph"] == "E":
        begin = depth[key].pop()
        assert begin["ts"] <= event["ts"]
        spans.append((key, ns(begin["ts"]), ns(event["ts"])))
assert not any(depth.values()), "a span never ends"
for key, begin, end in spans:
    assert lifetimes[key][0] <= begin <= end <= lifetimes[key][1], (key, begin, end)
named = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
# (the lifetime of a process is on its main thread, even where --thread leaves that out)
assert all(key in named or key[0] == key[1] for key in lifetimes), set(lifetimes) - named
assert sum(e["ph"] == "B" for e in events) == \
    sum(r["kind"] == "span" and r["phase"] == "begin" for r in rows)

# The area below the CPU curve of a process is its CPU time; gauges are there one by one.
metrics = {r["id"]: r for r in rows if r["kind"] == "metric"}
values = collections.defaultdict(list)
for row in rows:
    if row["kind"] == "counter" and row["value"] is not None:
        values[row["metric_id"]].append((row["time_ns"] - start_ns, row["value"]))
for id, points in values.items():
    metric = metrics[id]
    drawn = [(ns(e["ts"]), *e["args"].values()) for e in events if e["ph"] == "C"
             and e["name"] == metric["name"] and e["pid"] == metric.get("pid", 0)]
    assert drawn == sorted(drawn, key=lambda point: point[0]), metric
    if metric["type"] == "gauge":
        assert drawn[:len(points)] == points, (drawn, points)
    else:
        area = sum(int(a[1] * (b[0] - a[0])) for a, b in zip(drawn, drawn[1:]))
        total, span = points[-1][1] - 0, drawn[-1][0] - drawn[0][0]
        scale = 1 if metric["unit"] == "ns" else 10**9
        assert abs(area / scale - total) <= 0.001 * span / scale + 1, (metric, area, total)
        assert drawn[-1][1] == 0
PYTHON
}

check tiny.cbor.zst
# Functions have their files and lines; without samples there are no members for them.
grep -q '^"3":{"name":"outer","category":"/usr/bin/prog","parent":2,"file":"/src/prog.c","line":40},$' t.json ||
    fail "no file and line: $(cat t.json)"
"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$tconv" -q --chrome-trace empty.cbor.zst >t.json
! grep -q -e '"stackFrames"' -e '"samples"' t.json || fail "samples of a trace without: $(cat t.json)"
# Two threads that had the same numbers are one to viewers: their samples do not overlap.
"$tconv" -q --json tiny.cbor.zst | sed 's/"tid":101/"tid":100/' >again.jsonl
"$tconv" -q --chrome-trace again.jsonl >t.json
sed -n 's/^{"pid":100,"tid":100,"ts":\([0-9]*\).000,"name":"[a-z]*","sf":.*/\1/p' t.json >times
expect "samples of both" "0 2000 6000 7000 8000 9000 9000 10000" "$(tr '\n' ' ' <times | sed 's/ $//')"
check --pid 200 tiny.cbor.zst
check --thread worker tiny.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 5000 --threads 5 --processes 2 --metrics 50 generated.cbor.zst
check generated.cbor.zst
