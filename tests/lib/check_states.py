"""Check that what the threads of a trace did adds up to their lifetimes.

check_states.py TRACE.json [LEAST_MS]

For every thread that lived for LEAST_MS (50) or more: running, preempted and blocked time together
are its lifetime, give or take 1 % and what its last sample overshoots.
"""
import collections
import json
import sys

least_ns = float(sys.argv[2] if len(sys.argv) > 2 else 50) * 1e6
start, end, exits = {}, {}, {}
process_of, sums = {}, collections.defaultdict(collections.Counter)
last_ns = 0
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        row = json.loads(line)
        kind = row["kind"]
        last_ns = max(last_ns, row.get("time_ns", 0))
        if kind == "thread":
            start[row["id"]] = row["start_ns"]
            process_of[row["id"]] = row["process_id"]
        elif kind == "thread_exit":
            end[row["thread_id"]] = row["time_ns"]
        elif kind == "exit":
            exits[row["process_id"]] = row["time_ns"]
        elif kind == "sample":
            sums[row["thread_id"]][row["state"]] += row["weight_ns"]

failures = checked = 0
for thread, start_ns in start.items():
    life_ns = end.get(thread, exits.get(process_of[thread], last_ns)) - start_ns
    if life_ns < least_ns:
        continue
    checked += 1
    total_ns = sum(sums[thread].values())
    if abs(total_ns - life_ns) > 0.01 * life_ns + 1100000:
        failures += 1
        print(f"thread {thread}: lived {life_ns} ns, states add up to {total_ns}: "
              f"{dict(sums[thread])}")
print(f"{checked} threads checked")
sys.exit(1 if failures or checked == 0 else 0)
