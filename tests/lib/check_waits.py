"""Compare the waits of a trace with what the program said of itself.

check_waits.py TRACE.json TRUTH

TRUTH has lines NAME SYSTEM_CALL START_NS LENGTH_NS. Every wait must be in the trace with its
length, its system call and a stack that leads from the wait by NAME and main to the root. The program's main thread is the first.
"""
import json
import sys

stacks, frames, waits = {}, {}, []
lost = []
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        row = json.loads(line)
        if row["kind"] == "stack":
            stacks[row["id"]] = (row.get("parent_id", 0), row["frame_id"])
        elif row["kind"] == "frame":
            frames[row["id"]] = row["functions"]
        elif row["kind"] == "sample" and row["state"] in ("blocked", "preempted"):
            waits.append(row)
        elif row["kind"] == "lost":
            lost.append(row)


def names_of(stack):
    names = []
    while stack:
        stack, frame = stacks[stack]
        names.extend(frames[frame])
    return names


failures = []
checked = 0
for line in open(sys.argv[2], encoding="utf-8"):
    name, syscall, start_ns, length_ns = line.split()
    start_ns, length_ns = int(start_ns), int(length_ns)
    inside = [w for w in waits if w["thread_id"] == 1 and
              start_ns < w["time_ns"] <= start_ns + length_ns + 2000000 and
              "summed" not in w.get("flags", [])]
    blocked = [w for w in inside if w["state"] == "blocked"]
    checked += 1
    if not blocked:
        failures.append(f"{line.strip()}: no wait in the trace")
        continue
    # What the program calls its wait holds a moment of running, and of waiting for a CPU.
    wait = max(blocked, key=lambda w: w["weight_ns"])
    other_ns = sum(w["weight_ns"] for w in inside if w is not wait)
    gap_ns = length_ns - other_ns - wait["weight_ns"]
    if abs(gap_ns) > 0.02 * length_ns + 2000000:
        failures.append(f"{line.strip()}: lasts {wait['weight_ns']} ns in the trace")
    names = names_of(wait.get("stack_id", 0))
    flags = wait.get("flags", [])
    if wait.get("syscall") != syscall:
        failures.append(f"{line.strip()}: in {wait.get('syscall')}")
    wanted = [name, "handle", "main"]
    places = [names.index(n) if n in names else -1 for n in wanted]
    if -1 in places or places != sorted(places) or "truncated" in flags or \
            names[-1] not in ("_start", "_start_c"):
        failures.append(f"{line.strip()}: stack {names} {flags}")
    if "assumed" in flags:
        failures.append(f"{line.strip()}: its stack is only assumed")

for row in lost:
    failures.append(f"lost: {row}")
for failure in failures:
    print(failure)
print(f"{checked} waits checked")
sys.exit(1 if failures or checked == 0 else 0)
