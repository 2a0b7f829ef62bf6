"""Check a trace of tests/targets/mixed.py: check_mixed.py JSON TRUTH [--all-merged]

C functions of the extension must be under the Python function that calls them, time under the right one within 3 points.
"""
import collections
import json
import sys

path, truth = sys.argv[1:3]
all_merged = "--all-merged" in sys.argv
truth = json.loads(open(truth).read().splitlines()[0])
frames, stacks = {}, {}
count, weight = collections.Counter(), collections.Counter()
for line in open(path):
    row = json.loads(line)
    if row["kind"] == "frame":
        frames[row["id"]] = row
    elif row["kind"] == "stack":
        stacks[row["id"]] = stacks.get(row.get("parent_id"), ()) + (row["frame_id"],)
    elif row["kind"] == "sample" and row["state"] == "running":
        stack = [frames[f] for f in stacks.get(row.get("stack_id"), ())]
        python = [f["functions"][0] for f in stack if f["language"] == "python"]
        names = [f["functions"][-1] for f in stack]
        apart = "unmerged" in row.get("flags", ())
        inside = [name for name in python if name in truth]
        if not inside:
            continue
        count["apart" if apart else "merged"] += 1
        weight[inside[-1]] += row["weight_ns"]
        for burn in "alpha", "beta":
            if f"burn_under_{burn}" not in names:
                continue
            # The nearest Python frame outside of the C function; [unmerged] stands between what may not belong together.
            before = stack[:names.index(f"burn_under_{burn}")]
            separated = "[unmerged]" in [f["functions"][0] for f in before]
            assert separated == (apart and bool(python)), f"separated {separated}, apart {apart}"
            caller = [f["functions"][0] for f in before if f["language"] == "python"][-1:]
            kind = "right" if caller == [f"calls_{burn}"] else "wrong"
            count[kind + (" apart" if apart else " merged")] += 1
total, spent = sum(weight.values()), sum(truth.values())
print(dict(count))
worst = 0
for name, seconds in truth.items():
    share, wanted = 100 * weight[name] / total, 100 * seconds / spent
    worst = max(worst, abs(share - wanted))
    print(f"  {name}: {share:.1f} %, {wanted:.1f} % wanted")
assert count["right merged"] + count["right apart"] > 50, "no stacks of the extension"
assert not all_merged or count["merged"] >= 0.97 * (count["merged"] + count["apart"]), "too few merged"
assert count["wrong merged"] == 0, "wrongly merged"
samples = count["merged"] + count["apart"]
assert worst <= 3 + 120 / samples ** 0.5, "shares"
