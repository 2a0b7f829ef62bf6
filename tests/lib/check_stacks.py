"""Check folded stacks of one program against what it is made of.

check_stacks.py FOLDED PATTERN NAME=PERCENT...: PATTERN is a regular expression that whole stacks
have to match from the frame after the process on, with a group for the name of what the time went
to. At least 95 % of all samples must match, and the shares of the names must be right.
"""
import re
import sys

folded, pattern = sys.argv[1], re.compile(sys.argv[2])
wanted = dict(item.rsplit("=", 1) for item in sys.argv[3:])
seen = dict.fromkeys(wanted, 0)
total, others = 0, []
for line in open(folded):
    stack, count = line.rstrip("\n").rsplit(" ", 1)
    total += int(count)
    # An interrupt may have been on top of the leaf.
    frames = [frame for frame in stack.split(";")[1:] if not frame.endswith("_[k]")]
    match = pattern.match(";".join(frames))
    if match and match[1] in seen:
        seen[match[1]] += int(count)
    else:
        others.append((int(count), stack))
work = sum(seen.values())
others.sort(reverse=True)
assert total > 500, f"only {total} samples"
assert work >= 0.95 * total, f"{work} of {total} samples match; others: {others[:5]}"
for name, percent in wanted.items():
    share, percent = 100 * seen[name] / work, float(percent)
    # Two points, and room for the chance of that many samples (3 sigma).
    slack = 2 + 300 * (percent / 100 * (1 - percent / 100) / work) ** 0.5
    assert abs(share - percent) <= slack, f"{name}: {share:.1f} %, {percent} % wanted"
print(f"{total} samples, {100 * work / total:.1f} % match, " +
      ", ".join(f"{n} {100 * c / work:.1f} %" for n, c in seen.items()))
