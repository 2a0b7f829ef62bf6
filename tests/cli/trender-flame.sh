#!/bin/bash
# Flame graphs: shares are those of the samples, small frames are merged and said so, bounds hold.
. "$ROOT/tests/lib/trender.sh"
trace threads
"$trender" -q --view flame --dump-scene threads.cbor.zst >threads.scene
"$BUILD/tconv" -q --folded threads.cbor.zst >threads.folded

# Each box as wide as its share of the folded stacks, and within its caller's box.
cat >check.py <<'PYTHON'
import re, sys
boxes = []
for line in open(sys.argv[1], encoding="utf-8"):
    m = re.match(r'item (\S+) ([\d.]+),([\d.]+) ([\d.]+)x[\d.]+ (?:label="(.*?)" )?title="(.*)"', line)
    if m:
        role, x, y, width, label, title = m.groups()
        boxes.append((float(y), float(x), float(width), role, label, title.split(" | ")[0]))
top = min(b[0] for b in boxes)
root = [b for b in boxes if b[0] == top]
assert len(root) == 1 and root[0][4] == "all 100.0 %", root
merged = [b for b in boxes if b[3] == "merged"]
for y, x, width, role, label, name in boxes:
    above = [b for b in boxes if abs(b[0] - (y - 18)) < 2 and b[1] - 0.2 <= x and
             x + width <= b[1] + b[2] + 0.7]
    assert y == top or above, ("outside of its caller", name, x, y)
widths, samples = {}, {}
for y, x, width, role, label, name in boxes:
    widths[name] = widths.get(name, 0) + width + 0.6
total = 0
for line in open(sys.argv[2], encoding="utf-8"):
    stack, weight = line.rsplit(" ", 1)
    total += int(weight)
    for function in stack.split(";"):
        samples[function] = samples.get(function, 0) + int(weight)
full = root[0][2] + 0.6
seen = 0
for function, weight in samples.items():
    if weight / total > 0.05 and function in widths:
        seen += 1
        assert abs(widths[function] / full - weight / total) < 0.005, (function, widths[function])
assert seen >= 5, (seen, sorted(samples))
PYTHON
$python3 check.py threads.scene threads.folded
grep -q '"own code"' threads.scene || fail "no legend"
grep -q 'item own .*title="main | .* of all, .* of its caller | self ' threads.scene ||
    fail "what hovering over main shows"

# More stacks than pixels: merged, counted, bounded.
"$BUILD/targets/gen_trace" --samples 150000 --stacks 50000 --symbols many.cbor.zst >/dev/null
"$trender" -q --view flame -o many.svg many.cbor.zst
"$trender" -q --view flame --dump-scene many.cbor.zst >many.scene
[ "$(stat -c %s many.svg)" -le 1500000 ] || fail "the SVG has $(stat -c %s many.svg) bytes"
[ "$(grep -c '^item' many.scene)" -le 5000 ] || fail "too many boxes"
[ "$(grep -c '^item.*label=' many.scene)" -le 1500 ] || fail "too many labels"
grep -q '^item merged .*title="[0-9]* frames too small to be drawn | total ' many.scene ||
    fail "nothing was merged"

# A stack of 5,000 functions: cut, and said so.
"$BUILD/targets/deep_trace" deep.cbor.zst
"$trender" -q --view flame --dump-scene deep.cbor.zst >deep.scene
grep -q 'deeper rows not drawn' deep.scene || fail "a cut that is not said"
expect "rows of a deep stack" 160 "$(grep -c '^item' deep.scene)"

# Nothing sampled: the frame, a sentence, status 4.
trace metrics
run "$trender" -q --view flame -o none.svg metrics.cbor.zst
expect "status without samples" 4 $status
grep -q 'No stacks in this recording' none.svg || fail "no sentence"
