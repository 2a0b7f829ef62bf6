#!/bin/bash
# --weight: every format and every view adds up to the same, whatever the weight; waits have the
# same names everywhere; headings say what is drawn; a wrong weight has the same answer.
. "$ROOT/tests/lib/trender.sh"
tconv=$BUILD/tconv

cat >check.py <<'PYTHON'
import collections, json, re, sys

weight = sys.argv[1]
names = {"blocked": "[waiting", "preempted": "[preempted]", "gil": "[waiting: GIL]"}
units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9}

def duration(text):
    """"1.25 ms", "2 min 5 s" -> ns"""
    parts = text.split()
    return sum(float(n) * units[u] for n, u in zip(parts[::2], parts[1::2])) if text != "0" else 0

def near(a, b):
    return abs(a - b) <= 0.006 * max(a, b)

def rows(path):
    return [row for row in map(json.loads, open(path)) if row["kind"] == "sample"]

def amount(s):
    is_running = s["state"] == "running"
    return {"samples": is_running and "unsampled" not in s.get("flags", []),
            "cpu": is_running * s["weight_ns"], "offcpu": (not is_running) * s["weight_ns"],
            "wall": s["weight_ns"]}[weight]

def top(s):
    """What stands on top of the stack: why it waited."""
    if s["state"] == "blocked":
        reason = s.get("syscall", "unknown system call" if "syscall_id" in s else "")
        return f"[waiting: {reason}]" if reason else "[waiting]"
    return names.get(s["state"])

everything = rows("t.jsonl")
chosen = [s for s in everything if amount(s)]
total = sum(map(amount, chosen))
assert rows(f"t.{weight}.jsonl") == chosen
wanted = collections.Counter()
for s in chosen:
    wanted[top(s)] += amount(s)

# folded
folded = collections.Counter()
for line in open(f"t.{weight}.folded"):
    stack, n = line.rstrip("\n").rsplit(" ", 1)
    leaf = stack.rsplit(";", 1)[1]
    folded[leaf if re.fullmatch(r"\[(waiting|preempted).*\]", leaf) else None] += int(n)
assert folded == wanted, (weight, folded, wanted)

# speedscope shows time: samples are drawn as long as they were
scope = json.load(open(f"t.{weight}.speedscope.json"))
frames = [f["name"] for f in scope["shared"]["frames"]]
found = collections.Counter()
for profile in scope["profiles"]:
    for stack, ns in zip(profile["samples"], profile["weights"]):
        if stack:
            leaf = frames[stack[-1]]
            found[leaf if re.fullmatch(r"\[(waiting|preempted).*\]", leaf) else None] += ns
if weight == "samples":
    assert found.total() == sum(s["weight_ns"] for s in everything if s["state"] == "running")
else:
    assert found == wanted, (weight, found, wanted)
title = {"offcpu": "(time off CPU)", "wall": "(wall time)"}.get(weight, "")
assert scope["name"].endswith(title)

# flame graph: the root has all, each reason its share
if not total:
    sys.exit()
scene = open(f"t.{weight}.scene").read()
what = {"offcpu": "off CPU", "wall": "on and off CPU"}.get(weight, "on CPU")
heading = re.search(rf'"All stacks {what}, (.*?)( of wall time)?"', scene).group(1)
root = re.search(rf'item all .* title="everything {what} \| total (.*) \| (.*) samples"', scene)
count = int(re.sub(r"\D", "", root.group(2)))
assert count == sum("unsampled" not in s.get("flags", []) for s in chosen), (weight, count)
for text in heading, root.group(1):
    if weight == "samples":
        assert int(re.sub(r"\D", "", text)) == total, text
    else:
        assert near(duration(text), total), (weight, text, total)
boxes = collections.Counter()
width = 0
for line in scene.splitlines():
    m = re.match(r'item (\S+) \S+ ([\d.]+)x\S+ .*title="(.*?) \|', line)
    if m and m.group(1) == "all":
        width = float(m.group(2)) + 0.6
    elif m and m.group(1) == "waiting":
        boxes[m.group(3)] += float(m.group(2)) + 0.6
for name, ns in wanted.items():
    if name and ns / total > 0.02:
        assert abs(boxes[name] / width - ns / total) < 0.005, (name, boxes[name] / width, ns / total)
assert not boxes or weight in ("offcpu", "wall")
assert bool(boxes) == ("hatch waiting" in scene)

# summary: the states of all threads, the same whatever is drawn
states = re.search(r"all threads: (.*) on CPU, (.*) preempted, (.*) waiting", open("t.txt").read())
for text, among in zip(states.groups() if states else (), (["running"], ["preempted"], ["blocked", "gil"])):
    ns = sum(s["weight_ns"] for s in everything if s["state"] in among)
    assert near(duration(text), ns), (text, ns)
assert bool(states) == any(s["state"] != "running" for s in everything)
PYTHON

check() {
    "$tconv" -q --json "$1" >t.jsonl
    "$trender" -q "$1" >t.txt
    for weight in samples cpu offcpu wall; do
        for format in json:jsonl folded:folded speedscope:speedscope.json; do
            "$tconv" -q "--${format%:*}" --weight $weight "$1" >"t.$weight.${format#*:}"
        done
        run "$trender" -q --view flame --weight $weight --dump-scene "$1" >t.$weight.scene
        [ $status = 0 ] || [ $status = 4 ] || fail "trender --weight $weight: status $status"
        $python3 check.py $weight
        for view in report summary timeline; do
            output=
            [ $view = summary ] || output=--dump-scene
            run "$trender" -q --view $view $output --weight $weight "$1" >t.$weight.$view
            [ $status = 0 ] || [ $status = 4 ] || fail "$view by $weight: status $status"
        done
    done
    # Without --weight: the time on a CPU; folded stacks count samples.
    "$tconv" -q --folded "$1" | cmp - t.samples.folded
    "$tconv" -q --speedscope "$1" | cmp - t.cpu.speedscope.json
    run "$trender" -q --view flame --dump-scene "$1" >default.scene
    cmp default.scene t.cpu.scene
}

"$BUILD/targets/tiny_trace" tiny.cbor.zst
check tiny.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    generated.cbor.zst >/dev/null
check generated.cbor.zst
trace threads
check threads.cbor.zst
trace waits
check waits.cbor.zst

# Where a server waits, in so many words; the tables follow the weight.
grep -q 'waited 7.2 s in futex under handle_request .*144 times' t.txt || fail "no futex: $(cat t.txt)"
grep -q 'worst waits, 11.1 % at assumed places, 2.5 % at unknown places' t.txt || fail "no shares of places"
grep -q 'busiest functions$' t.txt || fail "no functions"
grep -q 'time off CPU by its reason' t.offcpu.summary || fail "no heading of the summary by offcpu"
grep -q 'functions and waits by wall time' t.wall.summary || fail "no heading by wall"
grep -q 'busiest functions by samples' t.samples.summary || fail "no heading by samples"
grep -q '"in recvfrom under query_db"' t.cpu.report || fail "no table of waits in the report"
grep -q 'Functions and waits by wall time' t.wall.report || fail "no heading of the report by wall"
grep -q 'All stacks off CPU, 33.1 s' t.offcpu.report || fail "no flame graph by offcpu in the report"
grep -q 'label="waiting: wait4' t.cpu.timeline || fail "no wait in the timeline"
grep -q '"main · 79.2 % off CPU"' t.offcpu.timeline || fail "no share of the waiting in the timeline"
# A wait of which only the middle is shown is cut to what is shown.
"$trender" -q --from 2s --to 3s waits.cbor.zst >part.txt
grep -q 'sh waited 1 s in wait4 under waitproc' part.txt || fail "a wait was not cut: $(cat part.txt)"
"$trender" -q --view timeline --dump-scene --from 2s --to 3s waits.cbor.zst >part.scene
grep -q 'label="waiting: wait4 1 s"' part.scene || fail "the middle of a wait is not drawn"

# A wrong weight: the same line of both tools.
for wrong in wal time off; do
    run "$tconv" --folded --weight $wrong waits.cbor.zst 2>tconv.err
    expect "status of tconv --weight $wrong" 2 $status
    run "$trender" --weight $wrong waits.cbor.zst 2>trender.err
    expect "status of trender --weight $wrong" 2 $status
    expect "what both say" "$(sed 's/^tconv: //' tconv.err)" "$(sed 's/^trender: //' trender.err)"
done
run "$tconv" --folded --weight wal waits.cbor.zst 2>err
grep -q 'did you mean wall: samples, cpu, offcpu or wall' err || fail "no help: $(cat err)"
# Where it has no meaning, that is said.
"$trender" --view procs --weight wall waits.cbor.zst 2>err >procs.txt
grep -q -e '--weight changes nothing' err || fail "procs: $(cat err)"
# Nothing of this weight, but of another.
trace big 2>/dev/null
run "$trender" -q --view flame --weight offcpu -o none.svg big.cbor.zst
expect "status without waits" 4 $status
grep -q 'No thread was seen off the CPU' none.svg || fail "no sentence"

# A real one, which may have no stacks here.
cat >waiter.c <<'C'
#include <unistd.h>
__attribute__((noinline)) void rest(void)
{
	usleep(50000);
	__asm__("");
}
int main(void)
{
	for (volatile long i = 0; i < 200000000; i++)
		if (i % 20000000 == 0)
			rest();
	return 0;
}
C
cc -O1 -g -o waiter waiter.c
"$BUILD/trec" -q -o real.cbor.zst ./waiter
check real.cbor.zst
if grep -q '"state":"blocked".*"stack_id"' t.jsonl; then
    grep -q 'waited [4-9][0-9]* ms in clock_nanosleep under rest .*10 times' t.txt ||
        fail "where it waits: $(cat t.txt)"
fi
