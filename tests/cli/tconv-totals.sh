#!/bin/bash
# All formats tell the same truth: equal totals per thread and per stack, in ns and in samples.
. "$ROOT/tests/lib/tconv.sh"

check() {
    "$tconv" -q --json "$1" >t.jsonl
    for weight in samples cpu offcpu wall; do
        "$tconv" -q --folded --weight $weight "$1" >t.$weight.folded
        "$tconv" -q --speedscope --weight $weight "$1" >t.$weight.json
        "$tconv" -q --chrome-trace --weight $weight "$1" >t.$weight.trace.json
        "$tconv" -q --json --weight $weight "$1" >t.$weight.jsonl
    done
    /usr/bin/python3 - <<'PYTHON'
import collections, decimal, json

rows = [json.loads(line) for line in open("t.jsonl")]
samples = [row for row in rows if row["kind"] == "sample"]
header, end = rows[0], rows[-1]
kinds = collections.Counter(row["kind"] for row in rows)
lives = "start exec name exit alive thread_start thread_exec thread_name thread_exit thread_alive"
for kind, count in end["counts"].items():
    found = sum(kinds[k] for k in lives.split()) if kind == "life" else kinds[kind]
    assert found == count, (kind, found, count)

def text(value):
    if isinstance(value, dict):
        value = bytes.fromhex(value["bytes"]).decode(errors="replace")
    return value

stacks = {}
for row in rows:
    if row["kind"] == "stack":
        stacks[row["id"]] = stacks.get(row.get("parent_id"), []) + \
            [text(name) for name in row["functions"][::-1]]

def full(s):
    """The frames of a sample, with those that say why it waited or that its stack is not known."""
    frames = stacks.get(s.get("stack_id"), []) or ["[stack not known]"]
    if s["state"] == "blocked":
        reason = s.get("syscall", "unknown system call" if "syscall_id" in s else "")
        return frames + [f"[waiting: {reason}]" if reason else "[waiting]"]
    return frames + {"preempted": ["[preempted]"], "gil": ["[waiting: GIL]"]}.get(s["state"], [])

takes = {
    "samples": lambda s: s["state"] == "running" and "unsampled" not in s.get("flags", []),
    "cpu": lambda s: s["state"] == "running",
    "offcpu": lambda s: s["state"] != "running",
    "wall": lambda s: True,
}
for weight, is_in in takes.items():
    chosen = [s for s in samples if is_in(s)]
    weigh = (lambda s: 1) if weight == "samples" else (lambda s: s["weight_ns"])

    # folded: line by line, and no line twice
    lines = [line.rstrip("\n").rsplit(" ", 1) for line in open(f"t.{weight}.folded")]
    assert len({line[0] for line in lines}) == len(lines)
    assert sum(int(n) for _, n in lines) == sum(weigh(s) for s in chosen), weight
    wanted = collections.Counter()
    for s in chosen:
        wanted[len(full(s))] += weigh(s)
    found = collections.Counter()
    for line, n in lines:
        found[line.count(";")] += int(n)
    assert found == wanted, (weight, found, wanted)

    # JSON leaves out what has no part in a weight that is asked for
    if weight != "samples":
        left = [json.loads(line) for line in open(f"t.{weight}.jsonl")]
        left = [row for row in left if row["kind"] == "sample"]
        assert left == [s for s in chosen if s["weight_ns"]], weight

    # speedscope: per thread, per stack; in ns, so with the time that no sample stands for
    chosen = [s for s in samples if takes["cpu" if weight == "samples" else weight](s)]
    scope = json.load(open(f"t.{weight}.json"))
    names = [frame["name"] for frame in scope["shared"]["frames"]]
    per_thread = collections.Counter()
    for s in chosen:
        per_thread[s["tid"]] += s["weight_ns"]
    assert len({(p["startValue"], p["endValue"]) for p in scope["profiles"]}) == 1
    busy = []
    for p in scope["profiles"]:
        assert len(p["samples"]) == len(p["weights"])
        assert p["endValue"] - p["startValue"] == sum(p["weights"]), p["name"]
        assert all(a != b for a, b in zip(p["samples"], p["samples"][1:])), "neighbours alike"
        if p["name"] == "no samples":
            assert not chosen
            continue
        tid = int(p["name"].rsplit("(", 1)[1].rstrip(")"))
        by_stack = collections.Counter()
        for stack, ns in zip(p["samples"], p["weights"]):
            if stack:
                by_stack[tuple(names[f] for f in stack)] += ns
        wanted = collections.Counter()
        for s in chosen:
            if s["tid"] == tid:
                wanted[tuple(full(s))] += s["weight_ns"]
        assert by_stack == wanted, (p["name"], by_stack, wanted)
        busy.append(per_thread.pop(tid))
    assert not per_thread and busy == sorted(busy, reverse=True), (per_thread, busy)

    # Chrome: the same, by pid and tid; a sample lasts until the next, so an idle one ends each
    chrome = json.load(open(f"t.{weight}.trace.json"), parse_float=decimal.Decimal)
    assert ("samples" in chrome) == ("stackFrames" in chrome) == bool(chosen)
    frames, found, last = chrome.get("stackFrames", {}), collections.Counter(), {}
    for s in chrome.get("samples", []):
        key, names, id = (s["pid"], s["tid"]), [], s["sf"]
        assert str(id) in frames and (s["weight"] > 0) == (id > 0), s
        at = int(s["ts"] * 1000)
        if key in last:
            before, ns = last[key]
            assert before + ns == at if ns else before < at, (key, before, ns, at)
        last[key] = at, s["weight"]
        while id:
            names.append(frames[str(id)]["name"])
            id = frames[str(id)].get("parent")
        if names:
            found[key, tuple(names[::-1])] += s["weight"]
    assert not any(ns for _, ns in last.values())
    wanted = collections.Counter()
    for s in chosen:
        wanted[(s.get("pid", 0), s["tid"]), tuple(full(s))] += s["weight_ns"]
    assert found == wanted, (weight, found, wanted)
PYTHON
}

check tiny.cbor.zst
"$BUILD/targets/tiny_trace" empty.cbor.zst empty
check empty.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
check generated.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait'
check real.cbor.zst
