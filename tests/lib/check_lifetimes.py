"""Running, preempted and blocked time of each thread of `tconv --json` is its lifetime."""
import collections
import json
import sys

sums, life, began, threads = collections.Counter(), {}, {}, {}
for line in sys.stdin:
    record = json.loads(line)
    kind = record.get("kind")
    if kind == "sample":
        sums[record["thread_id"]] += record["weight_ns"]
        threads[record["thread_id"]] = (record["pid"], record["tid"])
    elif kind in ("start", "exit"):
        key = (record["pid"], record.get("tid", record["pid"]))
        if kind == "start":
            began[key] = record["time_ns"]
        elif key in began:
            life[key] = record["time_ns"] - began[key]
for thread, total in sums.items():
    lived = life.get(threads[thread])
    if lived is None or lived < 50000000:
        continue
    assert abs(total - lived) <= 0.01 * lived + 12000000, \
        f"thread {threads[thread]} lived {lived} ns, its states are {total} ns"
assert len(sums) > 0, "no samples at all"
