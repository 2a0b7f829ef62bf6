#!/bin/bash
# The text of perf script: the patterns by which its readers take it apart find every sample, and
# speedscope opens it with the same stacks in each thread.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    generated.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait'

for trace in tiny empty generated real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    for weight in samples cpu offcpu wall; do
        "$tconv" -q --perf-script --weight $weight $trace.cbor.zst >$trace.$weight.perf
    done
    "$tconv" -q -o $trace.perf $trace.cbor.zst
    cmp $trace.perf $trace.cpu.perf
done
! LC_ALL=C grep -q "$(printf '\033')" tiny.wall.perf || fail "escape in the text"
iconv -f UTF-8 -t UTF-8 tiny.wall.perf >/dev/null || fail "the text is no UTF-8"

/usr/bin/python3 - <<'PYTHON'
import collections, os, re, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import trace_rows

# As stackcollapse-perf.pl, speedscope and Perfetto have them.
EVENT = re.compile(r"(\S.+?)\s+(\d+)/(\d+)\s+\[(\d+)\]\s+(\d+\.\d{6}):\s+(\d+) (\S+):\s*$")
FRAME = re.compile(r"\s*(\w+)\s(.+) \((\S*)\)$")

def without_offset(name):
    return re.sub(r"\+0x[0-9a-f]+$", "", name)

for trace in "tiny", "empty", "generated", "real":
    samples = trace_rows.samples(trace_rows.load(trace + ".jsonl"))
    for weight in trace_rows.WEIGHTS:
        found, times = collections.Counter(), {}
        for block in open(f"{trace}.{weight}.perf", newline="\n").read().split("\n\n")[:-1]:
            event, *frames = block.split("\n")
            comm, pid, tid, _, time, period, kind = EVENT.match(event).groups()
            assert " " not in comm and ";" not in comm
            assert times.get(tid, "") <= time.rjust(20), "times step back"
            times[tid] = time.rjust(20)
            assert kind == {"offcpu": "off-cpu", "wall": "wall-clock"}.get(weight, "cpu-clock")
            names = tuple(without_offset(FRAME.match(frame)[2]) for frame in frames[::-1])
            found[int(pid), int(tid), names] += int(period)
        wanted = collections.Counter()
        for s in samples:
            if s["weights"][weight]:
                wanted[s["pid"], s["tid"], s["frames"]] += s["weights"][weight]
        assert found == wanted, (trace, weight, found - wanted, wanted - found)
PYTHON

if command -v stackcollapse-perf.pl >/dev/null; then
    for weight in samples cpu offcpu wall; do
        wanted=$("$tconv" -q --folded --weight $weight real.cbor.zst | awk '{n += $NF} END {printf "%.0f", n}')
        found=$(stackcollapse-perf.pl real.$weight.perf 2>/dev/null | awk '{n += $NF} END {printf "%.0f", n}')
        expect "total of $weight by stackcollapse-perf.pl" "$wanted" "$found"
    done
fi

skip() { echo "SKIP: the text was not opened by speedscope: $*"; exit 77; }
chromium=$(command -v chromium) || skip "no chromium here"
command -v node >/dev/null && command -v npm >/dev/null || skip "no node and npm here"
npm=$ROOT/build/npm-speedscope # of no build variant
if [ ! -e "$npm/node_modules/speedscope" ] || [ ! -e "$npm/node_modules/playwright-core" ]; then
    mkdir -p "$npm"
    npm install --prefix "$npm" --no-audit --no-fund --loglevel=error \
        speedscope@1.25.0 playwright-core >npm.log 2>&1 ||
        skip "npm cannot install speedscope: $(tail -n 1 npm.log)"
fi
cp tiny.wall.perf tiny.linux-perf.txt
cp generated.cpu.perf generated.linux-perf.txt
node "$ROOT/tests/browser/speedscope.mjs" "$npm" "$chromium" tiny.linux-perf.txt \
    generated.linux-perf.txt >exports.jsonl
/usr/bin/python3 - <<'PYTHON'
import collections, json, os, re, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import trace_rows

for trace, weight, line in zip(("tiny", "generated"), ("wall", "cpu"), open("exports.jsonl")):
    export = json.loads(line)
    assert "error" not in export, export
    names = [frame["name"] for frame in export["shared"]["frames"]]
    found = collections.defaultdict(set)
    for profile in export["profiles"]:
        tid = int(re.search(r"tid: (\d+)", profile["name"])[1])
        stacks = profile.get("samples")
        if stacks is None:
            stacks, stack = [], []
            for event in profile["events"]:
                if event["type"] == "O":
                    stack.append(event["frame"])
                    stacks.append(list(stack))
                else:
                    stack.pop()
        found[tid] |= {tuple(names[f] for f in stack) for stack in stacks}
    wanted = collections.defaultdict(set)
    for s in trace_rows.samples(trace_rows.load(trace + ".jsonl")):
        if s["weights"][weight]:
            wanted[s["tid"]].add(s["frames"])
    assert wanted.keys() == found.keys(), (trace, wanted.keys(), found.keys())
    for tid in wanted:
        assert wanted[tid] <= found[tid], (trace, tid, wanted[tid] - found[tid])
PYTHON
