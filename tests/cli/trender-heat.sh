#!/bin/bash
# The view heat: a known beat is in the rows and columns where it must be, with the amounts it has,
# in text, in pictures, and in what cells say.
. "$ROOT/tests/lib/trender.sh"
export COLUMNS=200 LC_ALL=C
"$BUILD/targets/heat_trace" heat.cbor.zst

# 200 ms on, 200 ms off, in a column of 400 ms: the lower rows full, the upper ones empty.
"$trender" --view heat --column 400ms --rows 8 --from 31s --to 33s heat.cbor.zst >light.txt
"$trender" --view heat --column 400ms --rows 8 --weight offcpu heat.cbor.zst >/dev/null
cat >check.py <<'PYTHON'
"""Rows of the text: their cells by offset, densest steps and what they mean."""
import sys
steps = " .:-=+*#@"
rows = [line.rstrip("\n") for line in sys.stdin]
cells = [r.split("|", 1)[1].split(" |")[0] for r in rows if "|" in r]
assert len(cells) == 8, rows
level = [max(steps.index(c) for c in row) for row in cells]
# From above: off, then on, for 200 ms each. One thread in three never rests for long.
assert all(a < 4 for a in level[:4]) and all(a > 5 for a in level[4:]), level
PYTHON
$python3 check.py <light.txt || { cat light.txt; fail "the beat is not where it is"; }

# The last line is the busiest cell, in the seconds of `crunch`, and its times can be typed.
"$trender" --view heat --column 1s heat.cbor.zst >text.txt
busiest=$(grep '^busiest: ' text.txt)
from=$(sed -n 's/.*--from \([0-9.]*s\).*/\1/p' <<<"$busiest")
to=$(sed -n 's/.*--to \([0-9.]*s\).*/\1/p' <<<"$busiest")
case $from in 2[0-9].*s | 2[0-9]s) ;; *) fail "the busiest cell is at $from" ;; esac
"$trender" --view top --from "$from" --to "$to" heat.cbor.zst >top.txt
grep -q crunch top.txt || fail "no crunch from $from to $to"

# All cells together are all there is, in every weight that is time.
cat >sum.py <<'PYTHON'
"""The amounts of all cells, as hovering shows them, against the whole."""
import re, subprocess, sys
trender, weight, *options = sys.argv[1:]
units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "sample": 1, "samples": 1}
svg = subprocess.run([trender, "-q", "--view", "heat", "--weight", weight, *options, "-o", "-",
                      "heat.cbor.zst"], check=True, capture_output=True, text=True).stdout
total, count = 0, 0
for title in re.findall(r"<title>([^<]*--from[^<]*)</title>", svg):
    amount = title.split("\n")[-2].replace("\u2009", "")
    number, unit = re.match(r"([\d.]+) (\S+?)\b", amount).groups()
    begin, end = map(float, re.search(r"--from ([\d.]+)s --to ([\d.]+)s", title).groups())
    assert 0 <= begin < end <= 61, title
    total += float(number) * units[unit]
    count += 1
wanted = {"cpu": 60.0, "samples": 60000, "wall": 180.0, "offcpu": 120.0}[weight]
assert abs(total - wanted) < 0.01 * wanted, (weight, total, wanted)
assert 30 <= count <= 5000 and len(svg) < 1500000, (count, len(svg))
PYTHON
for weight in cpu samples wall offcpu; do
    $python3 sum.py "$trender" $weight || fail "sums of --weight $weight"
    $python3 sum.py "$trender" $weight --threads || fail "sums of --weight $weight --threads"
done
$python3 sum.py "$trender" cpu --rows 200 --column 200ms || fail "many cells"

# What a cell was spent in is said: sleep sleeps, a beat beats.
"$trender" --view heat --threads -o t.svg heat.cbor.zst
grep -A1 '<title>pulse' t.svg | grep -q 'mostly beat' || fail "pulse does not beat"
grep -A1 '<title>pulse' t.svg | grep -q 'mostly crunch' && fail "pulse crunches"
"$trender" --view heat --threads --weight offcpu -o t.svg heat.cbor.zst
grep -A1 '<title>crunch' t.svg | grep -q 'mostly \[waiting: nanosleep\]' || fail "crunch does not sleep"
"$trender" --view heat --threads --top 2 heat.cbor.zst | grep -q '2 other threads|' || fail "--top 2: no rest"

# What is known only as a sum is in no cell, and said, in pictures too.
cat >unplaced.py <<'PYTHON'
"""How much is in samples that are no interval, of the samples of a trace as JSON."""
import json, sys
parts = {True: 0, False: 0}
for line in sys.stdin:
    row = json.loads(line)
    if row["kind"] == "sample" and row["state"] != "running":
        parts["summed" in row.get("flags", [])] += row["weight_ns"]
print(f"{100 * parts[True] / (parts[True] + parts[False]):.1f} % of the time off CPU, in short pieces, is not placed")
PYTHON
trace waits
wanted=$("$BUILD/tconv" -q --json waits.cbor.zst | $python3 unplaced.py)
expect "what is not placed" "$wanted" "$("$trender" -q --view heat --weight offcpu waits.cbor.zst | tail -n 1)"
"$trender" -q --view heat --weight offcpu --threads -o t.svg waits.cbor.zst
grep -q ">$wanted<" t.svg || fail "the picture does not say what is not placed"
"$trender" --view heat heat.cbor.zst | grep 'is not placed' && fail "all is placed"

# Greys on paper, all themes monotone: the unit tests say so. Characters by the locale.
"$trender" --view heat heat.cbor.zst | LC_ALL=C grep -q '[^ -~]' &&
    fail "more than ASCII in the locale C"
LC_ALL=C.UTF-8 "$trender" --view heat heat.cbor.zst | grep -q '█' || fail "no blocks in UTF-8"

# Other ranges and shapes.
for shape in make waits nonsense hostile big; do
    trace $shape
    timeout 60 "$trender" -q --view heat $shape.cbor.zst >$shape.txt || fail "$shape as text"
    for options in "" "--threads" "--width 400 --weight wall" "--height 300 --rows 7"; do
        timeout 60 "$trender" -q --view heat $options -o $shape.svg $shape.cbor.zst ||
            fail "$shape $options"
        $python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' $shape.svg
        [ "$(stat -c %s $shape.svg)" -lt 1500000 ] || fail "$shape $options: too large"
    done
done
run "$trender" -q --view heat --rows 0 heat.cbor.zst 2>err
expect "--rows 0" 2 $status
run "$trender" -q --view heat --column 1ns heat.cbor.zst 2>err
expect "--column 1ns" 2 $status

# How long things took: as many as there are, where they are; p50 and p99 by another count.
cat >latency.py <<'PYTHON'
"""Cells of --latency against the spans of the trace as JSON."""
import json, math, re, subprocess, sys
trender, tconv, trace, name = sys.argv[1:]
names, frames, open_spans, durations = {}, {}, {}, []
for line in subprocess.run([tconv, "-q", "--json", trace], check=True, capture_output=True,
                           text=True).stdout.splitlines():
    row = json.loads(line)
    if row["kind"] != "span":
        continue
    stack = open_spans.setdefault((row.get("pid"), row["tid"]), [])
    if row["phase"] == "begin":
        stack.append((row["time_ns"], row.get("name") or row.get("function")))
    elif stack:
        begin, what = stack.pop()
        if what == name:
            durations.append(row["time_ns"] - begin)
svg = subprocess.run([trender, "-q", "--view", "heat", "--latency", name, "-o", "-", trace],
                     check=True, capture_output=True, text=True).stdout.replace("\u2009", "")
cells = [int(n) for n in re.findall(r"<title>(\d+) of [^<]*--from", svg)]
assert sum(cells) == len(durations) > 10, (sum(cells), len(durations))
units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
text = subprocess.run([trender, "-q", "--view", "heat", "--latency", name, trace], check=True,
                      capture_output=True, text=True).stdout
durations.sort()
for share in 50, 99:
    number, unit = re.search(rf"p{share} ([\d.]+) (\S+)", text).groups()
    wanted = durations[math.ceil(len(durations) * share / 100) - 1]
    got = float(number) * units[unit]
    assert wanted * 0.99 <= got <= wanted * 1.06, (share, wanted, got)
PYTHON
"$BUILD/targets/spans_trace" server server.cbor.zst
"$BUILD/targets/spans_trace" many calls.cbor.zst
$python3 latency.py "$trender" "$BUILD/tconv" server.cbor.zst query || fail "latency of a scope"
$python3 latency.py "$trender" "$BUILD/tconv" server.cbor.zst Db.query || fail "latency of a method"
$python3 latency.py "$trender" "$BUILD/tconv" calls.cbor.zst function_3 || fail "latency of calls"
# Waits: asleep for 200 ms, 150 times in a minute.
LC_ALL=C.UTF-8 "$trender" --view heat --latency beat heat.cbor.zst >waits.txt
grep -q '^150 waits in beat · p50 200 ms · p99 200 ms' waits.txt || fail "waits: $(sed -n 2p waits.txt)"
"$trender" --view heat --latency nosuch heat.cbor.zst | grep -q 'is called nosuch' || fail "no name"
for shape in deep hostile one million; do
    "$BUILD/targets/spans_trace" $shape s.cbor.zst
    timeout 60 "$trender" -q --view heat --latency f -o s.svg s.cbor.zst || fail "spans $shape"
done
