"""Check the states of the threads in a trace of tests/targets/gil.py: check_gil.py JSON TRUTH"""
import collections
import json
import sys

path, truth = sys.argv[1:]
spent = json.loads(open(truth).read().splitlines()[0])
frames, stacks, names = {}, {}, {}
time = collections.Counter()  # (tid, state): ns
functions = collections.defaultdict(set)
for text in open(path):
    row = json.loads(text)
    if row["kind"] == "frame":
        frames[row["id"]] = row
    elif row["kind"] == "stack":
        stacks[row["id"]] = stacks.get(row.get("parent_id"), ()) + (row["frame_id"],)
    elif row["kind"] == "thread_name":
        names[row["tid"]] = row["name"]
    elif row["kind"] == "sample":
        time[row["tid"], row["state"]] += row["weight_ns"]
        for frame in stacks.get(row.get("stack_id"), ()):
            if frames[frame]["language"] == "python":
                functions[row["tid"]].add(frames[frame]["functions"][0])
busy = [tid for tid in functions if "busy" in functions[tid]]
idle = [tid for tid in functions if "idle" in functions[tid]]
assert len(busy) == 2 and len(idle) == 1, f"{len(busy)} busy threads, {len(idle)} idle ones"
want = sum(spent.values()) / 2
for tid in busy:
    cpu, gil = time[tid, "running"] / 1e9, time[tid, "gil"] / 1e9
    print(f"busy: {cpu:.2f} s of CPU, {gil:.2f} s for the lock, {time[tid, 'blocked'] / 1e9:.2f} s blocked")
    assert abs(cpu - want) < 0.1 * want, f"{cpu} s of CPU, {want} s wanted"
    assert gil > 0.05 * want, "no waits for the lock of the interpreter"
tid = idle[0]
asleep, awake = time[tid, "blocked"], time[tid, "running"] + time[tid, "gil"]
assert asleep > 20 * awake, f"the idle thread was awake for {awake / 1e9} s"
assert {names.get(tid) for tid in busy} == set(spent), f"names: {names}"
