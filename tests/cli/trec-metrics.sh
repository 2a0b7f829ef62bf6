#!/bin/bash
# CPU, memory and threads are those of the programs.
. "$ROOT/tests/lib/trec.sh"

# Two busy processes and one that sleeps; one that holds 80 MiB, one that holds 40 MiB.
cat >hold.py <<'PY'
import sys, time
block = bytearray(int(sys.argv[1]) << 20)
for i in range(0, len(block), 4096):
    block[i] = 1
time.sleep(1)
PY
cat >busy.py <<'PY'
import time
end = time.process_time() + 1.5
while time.process_time() < end:
    pass
PY
"$trec" -q -o t.cbor.zst -- sh -c '
    /usr/bin/python3 busy.py & /usr/bin/python3 busy.py & sleep 2 & wait
    /usr/bin/python3 hold.py 80 & /usr/bin/python3 hold.py 40 & wait'
"$tconv" -q --json t.cbor.zst >t.json
/usr/bin/python3 - t.json <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
argv = {r["process_id"]: r.get("argv") or [] for r in records if r["kind"] == "exec"}
series = {}
for r in records:
    if r["kind"] == "counter" and r.get("process_id"):
        series.setdefault((r["process_id"], r["name"]), []).append((r["time_ns"], r["value"]))

def of(*words):
    return [p for p, a in argv.items() if all(w in a for w in words)]

busy, sleeping = of("busy.py"), of("sleep")
assert len(busy) == 2 and len(sleeping) == 1, argv
for p in busy:
    values = series[p, "cpu"]
    total = values[-1][1] / 1e9
    assert 1.45 <= total <= 1.75, f"busy process used {total} s"
    for (t0, v0), (t1, v1) in zip(values, values[1:]):
        if t1 - t0 > 20_000_000:
            assert v1 - v0 <= 1.05 * (t1 - t0), f"{100 * (v1 - v0) / (t1 - t0):.0f} % of a core"
    split = series[p, "cpu_user"][-1][1] + series[p, "cpu_system"][-1][1]
    assert abs(split - values[-1][1]) <= 1e7, "user and system do not add up"
assert series[sleeping[0], "cpu"][-1][1] <= 0.02 * 2e9, "the sleeping process was busy"

base = 0
for size in (80, 40):
    processes = of("hold.py", str(size))
    assert len(processes) == 1, (size, argv)
    process = processes[0]
    rss = max(v for _, v in series[process, "rss"]) / 2**20
    # The interpreter itself takes some 10 MiB.
    assert size <= rss <= size * 1.05 + 14, f"{size} MiB held, RSS {rss:.1f} MiB"
    assert series[process, "threads"][-1][1] == 1
machine = [r for r in records if r["kind"] == "counter" and r["name"] == "machine_memory"]
assert machine and all(r["value"] > 0 for r in machine)
PY
