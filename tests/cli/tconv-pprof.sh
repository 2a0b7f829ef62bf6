#!/bin/bash
# Profiles obey pprof's rules, `go tool pprof` opens them, and their totals are those of --json.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait'

for trace in tiny empty generated real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    "$tconv" -q -o $trace.pb.gz $trace.cbor.zst
    "$tconv" -q --pprof $trace.cbor.zst >again.pb.gz
    cmp $trace.pb.gz again.pb.gz
    gzip -t $trace.pb.gz
    /usr/bin/python3 "$ROOT/tests/lib/check_pprof.py" $trace.pb.gz $trace.jsonl >$trace.totals
done

# Inlined functions are lines of one location, innermost first.
/usr/bin/python3 - <<'PYTHON'
import gzip, os, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import protobuf
profile = protobuf.message(gzip.open("tiny.pb.gz").read())
functions = {protobuf.message(f)[1][0]: profile[6][protobuf.message(f)[2][0]] for f in profile[5]}
lines = [[(functions[protobuf.message(line)[1][0]], protobuf.message(line).get(2, [0])[0])
          for line in protobuf.message(location)[4]] for location in profile[4]]
assert [(b"inner", 33), (b"outer", 44)] in lines, lines
PYTHON

# A weight that is asked for is what viewers show first; all others are there too.
"$tconv" -q --pprof --weight offcpu tiny.cbor.zst >offcpu.pb.gz
/usr/bin/python3 "$ROOT/tests/lib/check_pprof.py" offcpu.pb.gz tiny.jsonl offcpu >/dev/null
run "$tconv" --pprof --weight offcpu -o none.pb.gz generated.cbor.zst
grep -q 'no sample is of a thread off' err || fail "a weight that nothing has: $(cat err)"

status=0
script -qec "'$tconv' --pprof tiny.cbor.zst 2>terminal.err" /dev/null >/dev/null || status=$?
expect "status with a terminal as output" 2 "$status"
grep -q terminal terminal.err || fail "a terminal was not refused: $(cat terminal.err)"

# A profile for each window of time: together they are the whole.
"$tconv" -q --pprof --split 1s -o split/ generated.cbor.zst
/usr/bin/python3 - <<'PYTHON'
import glob, gzip, os, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import protobuf, trace_rows

rows = trace_rows.load("generated.jsonl")
start, samples = rows[0], trace_rows.samples(rows)
files = sorted(glob.glob("split/*.pb.gz"))
assert len(files) > 2 and len(files) == len(os.listdir("split")), files
for path in files:
    profile = protobuf.message(gzip.open(path).read())
    window = int(os.path.basename(path).split(".")[0])
    begin = window * 10**9
    assert profile[9] == [start["utc_ns"] + begin] and 0 < profile[10][0] <= 10**9
    values = [protobuf.packed(protobuf.message(sample)[2][0]) for sample in profile[2]]
    wanted = trace_rows.totals([s for s in samples
                                if begin < s["time_ns"] - start["time_ns"] <= begin + 10**9])
    assert [sum(column) for column in zip(*values)] == list(wanted.values()), path
PYTHON
says 2 'say into which -o DIR/' "$tconv" --pprof --split 1s generated.cbor.zst
says 2 'only pprof can be split, not json' "$tconv" --json --split 1s -o x/ generated.cbor.zst
says 2 'pprof is one file without --split' "$tconv" --pprof -o x/ generated.cbor.zst
"$tconv" -q --pprof --split 1s -o nothing/ empty.cbor.zst
gzip -t nothing/000000.pb.gz
mkdir full && ln -s /dev/full full/000001.pb.gz
run "$tconv" -q --pprof --split 1s -o full/ generated.cbor.zst
expect "status of a window on a full disk" 1 "$status"
grep -q 'full/000001.pb.gz: No space' err || fail "a full disk is not said: $(cat err)"

command -v go >/dev/null || { echo "no go here: profiles were not opened by go tool pprof"; exit 77; }
pprof() { go tool pprof -symbolize=none "$@" 2>pprof.err; }
for trace in tiny generated real; do
    for weight in samples cpu offcpu wall; do
        total=$(sed -n "s/^$weight //p" $trace.totals)
        [ "$total" != 0 ] || continue
        unit=ns
        [ $weight != samples ] || unit=count
        pprof -top -sample_index=$weight -unit=$unit -nodecount=1000000 -nodefraction=0 \
            $trace.pb.gz >$trace.$weight.top
        grep -q "Total samples = $total\|of $total\(ns\)\? total" $trace.$weight.top ||
            fail "$trace: $weight is not $total: $(head -n 8 $trace.$weight.top)"
    done
    pprof -raw $trace.pb.gz >$trace.raw
done
pprof -top split/*.pb.gz >split.top # merges them
grep -q 'Total samples = 20s\|Total samples = 20000ms' split.top || fail "$(head -n 5 split.top)"
pprof -raw empty.pb.gz >empty.raw
grep -q '^samples/count cpu/nanoseconds\[dflt\] offcpu/nanoseconds wall/nanoseconds$' empty.raw
grep -q '^1: 0x0/0xa000/0x0 /usr/bin/prog 01abff00' tiny.raw

# Own and inclusive time by function, against the stacks of --json.
/usr/bin/python3 - <<'PYTHON'
import collections, os, re, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import trace_rows

for trace in "tiny", "generated", "real":
    flat, cum = collections.Counter(), collections.Counter()
    for sample in trace_rows.samples(trace_rows.load(trace + ".jsonl")):
        ns = sample["weights"]["wall"]
        flat[sample["frames"][-1]] += ns
        for name in set(sample["frames"]):
            cum[name] += ns
    found_flat, found_cum = collections.Counter(), collections.Counter()
    if sum(flat.values()):
        for line in open(trace + ".wall.top"):
            row = re.match(r" *(\d+)(?:ns)? +[\d.]+% +[\d.]+% +(\d+)(?:ns)? +[\d.]+%  (.*)\n", line)
            if row:
                name = re.sub(r" \((partial-)?inline\)$", "", row[3])
                found_flat[name] += int(row[1])
                found_cum[name] += int(row[2])
    assert +found_flat == +flat, (trace, found_flat - flat, flat - found_flat)
    # (pprof has several rows for a name that is in several files)
    assert all(found_cum[name] >= ns for name, ns in cum.items()), trace
PYTHON
