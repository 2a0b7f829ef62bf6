#!/bin/bash
# Our files open in speedscope itself, in a headless Chromium, with the same names and totals.
. "$ROOT/tests/lib/tconv.sh"

skip() { echo "SKIP: $*"; exit 77; }
chromium=$(command -v chromium) || skip "no chromium here"
command -v node >/dev/null && command -v npm >/dev/null || skip "no node and npm here"
npm=$ROOT/build/npm-speedscope # of no build variant
if [ ! -e "$npm/node_modules/speedscope" ] || [ ! -e "$npm/node_modules/playwright-core" ]; then
    mkdir -p "$npm"
    npm install --prefix "$npm" --no-audit --no-fund --loglevel=error \
        speedscope@1.25.0 playwright-core >npm.log 2>&1 ||
        skip "npm cannot install speedscope: $(tail -n 1 npm.log)"
fi

"$tconv" -q --speedscope tiny.cbor.zst >tiny.json # recognised by its $schema
"$tconv" -q --speedscope --weight wall tiny.cbor.zst >wall.speedscope.json
"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$tconv" -q --speedscope empty.cbor.zst >empty.speedscope.json
"$BUILD/targets/deep_trace" deep.cbor.zst
"$tconv" -q --speedscope deep.cbor.zst >deep.speedscope.json
"$BUILD/targets/render_trace" waits waits.cbor.zst
"$tconv" -q --speedscope waits.cbor.zst >waits.speedscope.json
"$tconv" -q --speedscope --weight wall waits.cbor.zst >waits-wall.speedscope.json
files="tiny.json wall.speedscope.json empty.speedscope.json deep.speedscope.json"
files="$files waits.speedscope.json waits-wall.speedscope.json"
# Chrome traces: with spans, without them, and deeper than the viewer can go.
for trace in tiny waits deep; do "$tconv" -q --chrome-trace --weight wall $trace.cbor.zst >$trace.trace.json; done
chromes="tiny.trace.json waits.trace.json deep.trace.json"
# shellcheck disable=SC2086
node "$ROOT/tests/browser/speedscope.mjs" "$npm" "$chromium" $files $chromes >exports.jsonl

# shellcheck disable=SC2086
/usr/bin/python3 - $files $chromes <<'PYTHON'
import collections, json, re, sys

def totals(profile, names):
    """Self ns by stack of names, of a profile as we write it or as speedscope exports it."""
    found = collections.Counter()
    if profile["type"] == "sampled":
        for stack, ns in zip(profile["samples"], profile["weights"]):
            if stack:
                found[tuple(names[f] for f in stack)] += ns
        return found
    stack, last = [], 0
    for event in profile["events"]:
        if stack:
            found[tuple(stack)] += event["at"] - last
        last = event["at"]
        if event["type"] == "O":
            stack.append(names[event["frame"]])
        else:
            assert stack.pop() == names[event["frame"]]
    return found

exports = [json.loads(line) for line in open("exports.jsonl")]
assert len(exports) == len(sys.argv) - 1
chromes = [path for path in sys.argv[1:] if path.endswith(".trace.json")]
for path, seen in list(zip(sys.argv[1:], exports))[-len(chromes):]:
    assert "error" not in seen, (path, seen["error"])
    ours, wanted, found = json.load(open(path)), collections.Counter(), collections.Counter()
    for sample in ours["samples"]:
        names, id = [], sample["sf"]
        while id:
            names.append(ours["stackFrames"][str(id)]["name"])
            id = ours["stackFrames"][str(id)].get("parent")
        wanted[sample["tid"], tuple(names[::-1])] += sample["weight"]
    for profile in seen["profiles"]:
        assert profile["unit"] == "microseconds"
        for stack, us in totals(profile, [f["name"] for f in seen["shared"]["frames"]]).items():
            found[int(re.findall(r"tid (\d+)", profile["name"])[-1]), stack] += round(us * 1000)
    assert +found == +wanted, (path, found, wanted)
cut = [f["name"] for f in exports[-1]["shared"]["frames"] if f["name"].endswith("frames cut]")]
assert cut == ["[3001 frames cut]"], cut
assert any(e["ph"] == "B" for e in json.load(open("tiny.trace.json"))["traceEvents"])
exports = exports[:-len(chromes)]
for path, seen in zip(sys.argv[1:], exports):
    assert "error" not in seen, (path, seen["error"])
    ours = json.load(open(path))
    assert seen["name"] == ours["name"], path
    assert [p["name"] for p in seen["profiles"]] == [p["name"] for p in ours["profiles"]], path
    for mine, theirs in zip(ours["profiles"], seen["profiles"]):
        assert theirs["unit"] == "nanoseconds"
        length = mine["endValue"] - mine["startValue"]
        assert theirs["endValue"] - theirs["startValue"] == length == sum(mine["weights"]), path
        wanted = +totals(mine, [f["name"] for f in ours["shared"]["frames"]])
        found = +totals(theirs, [f["name"] for f in seen["shared"]["frames"]])
        assert found == wanted, (path, mine["name"], found, wanted)
tiny = exports[0]
assert len(tiny["profiles"]) == 3
assert {"main", "work", "inner", "outer", "prog+0x9999"} <= {f["name"] for f in tiny["shared"]["frames"]}
assert {"name": "work", "file": "/src/prog.c", "line": 20} in tiny["shared"]["frames"]
# Waits are gaps, or frames of their own that fill them.
running, wall = exports[4:]
assert wall["name"] == "./server --port 8080 (wall time)" and "(" not in running["name"]
own = {f["name"] for f in wall["shared"]["frames"]} - {f["name"] for f in running["shared"]["frames"]}
reasons = {"[preempted]", "[waiting]", "[waiting: epoll_wait]", "[waiting: futex]", "[waiting: page fault]",
           "[waiting: read]", "[waiting: recvfrom]", "[waiting: wait4]"}
assert {name for name in own if name.startswith("[")} == reasons | {"[stack not known]"}, own
for some, all_of in zip(sorted(running["profiles"], key=lambda p: p["name"]),
                        sorted(wall["profiles"], key=lambda p: p["name"])):
    ran = totals(some, [f["name"] for f in running["shared"]["frames"]])
    both = totals(all_of, [f["name"] for f in wall["shared"]["frames"]])
    assert +ran == +collections.Counter({s: ns for s, ns in both.items() if s[-1] not in reasons})
    assert ran.total() < both.total() <= all_of["endValue"] - all_of["startValue"], some["name"]
deep = json.load(open("deep.speedscope.json"))
cut = [f["name"] for f in deep["shared"]["frames"] if f["name"].endswith("frames cut]")]
assert cut == ["[3001 frames cut]"], cut
assert max(len(s) for p in deep["profiles"] for s in p["samples"]) == 2000
PYTHON
