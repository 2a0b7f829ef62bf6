#!/bin/bash
# Flame charts: functions go on while their thread waits, the busiest threads are drawn, bounds hold.
. "$ROOT/tests/lib/trender.sh"
trace threads
"$trender" -q --view timeline --dump-scene threads.cbor.zst >threads.scene
for name in 'xz (4101)' 4141 4142; do
    grep -q "^text .*\"$name\"" threads.scene || fail "no track $name"
done
cat >check.py <<'PYTHON'
import re, sys
waits, mains = [], []
for line in open(sys.argv[1], encoding="utf-8"):
    m = re.match(r'item (\S+) ([\d.]+),([\d.]+) ([\d.]+)x[\d.]+', line)
    if m and 'label="waiting: futex' in line:
        waits.append([float(v) for v in m.groups()[1:]])
    elif m and 'label="main"' in line:
        mains.append([float(v) for v in m.groups()[1:]])
assert len(waits) == 3, waits
x, y, width = waits[0]
assert any(m[0] <= x and x + width <= m[0] + m[2] + 1 and m[1] < y for m in mains), \
    ("main does not go on while it waits", waits[0], mains)
PYTHON
$python3 check.py threads.scene
expect "hatched waits, and their square in the legend" 4 "$(grep -c '^hatch waiting' threads.scene)"

# 64 busy threads: the eight busiest, not more boxes than a picture may have.
"$BUILD/targets/gen_trace" --samples 300000 --threads 64 --symbols many.cbor.zst >/dev/null
"$trender" -q --view timeline --dump-scene many.cbor.zst >many.scene
"$trender" -q --view timeline -o many.svg many.cbor.zst
grep -q 'the 8 busiest of 64 threads' many.scene || fail "threads left out without a word"
expect "tracks" 8 "$(grep -c '^group "thread' many.scene)"
[ "$(grep -c '^item' many.scene)" -le 5000 ] || fail "too many boxes"
[ "$(grep -c '^item.*label=' many.scene)" -le 1500 ] || fail "too many labels"
[ "$(stat -c %s many.svg)" -le 1500000 ] || fail "the SVG has $(stat -c %s many.svg) bytes"
grep -q 'short slices' many.scene || fail "no blocks"

# Only a part of the time.
"$trender" -q --view timeline --dump-scene --from 2s --to 3s threads.cbor.zst >part.scene
grep -q 'middle .*"2.4 s"' part.scene || fail "no tick in the range"
grep -q 'label="worker_start"' part.scene || fail "no function in the range"
