#!/bin/bash
# --from, --to, --pid, --thread: what stays and what goes.
. "$ROOT/tests/lib/tconv.sh"

# kinds ARGS...: how many lines of each kind of data, in one line.
kinds() {
    "$tconv" -q --json "$@" tiny.cbor.zst | /usr/bin/python3 -c '
import collections, json, sys
rows = [json.loads(line) for line in sys.stdin]
kinds = collections.Counter(row["kind"] for row in rows)
print(*(f"{kind}={kinds[kind]}" for kind in
        "sample counter span arg alloc free instant lost exit exec thread_start string".split()))'
}

all="sample=11 counter=8 span=6 arg=2 alloc=1 free=1 instant=2 lost=1 exit=2 exec=2 thread_start=2 string=31"
expect "everything" "$all" "$(kinds)"
expect "all the time" "$all" "$(kinds --from 0 --to 1h)"
# A sample that ended at 2.003 ms is in (2, 7], as one at 7 ms; spans begin at 2 ms, in [2, 7].
expect "--from --to" \
    "sample=4 counter=0 span=6 arg=2 alloc=1 free=1 instant=2 lost=0 exit=2 exec=2 thread_start=2 string=31" \
    "$(kinds --from 2ms --to 7ms)"
expect "--from inside a span" \
    "sample=3 counter=0 span=5 arg=1 alloc=1 free=1 instant=2 lost=0 exit=2 exec=2 thread_start=2 string=31" \
    "$(kinds --from 2500us --to 7ms)"
expect "--pid of the child" \
    "sample=3 counter=0 span=1 arg=0 alloc=0 free=0 instant=1 lost=1 exit=1 exec=1 thread_start=0 string=31" \
    "$(kinds --pid 200)"
expect "--pid, no children, no machine" \
    "sample=8 counter=6 span=5 arg=2 alloc=1 free=1 instant=2 lost=0 exit=1 exec=1 thread_start=2 string=31" \
    "$(kinds --pid 100)"
expect "--thread by name" \
    "sample=2 counter=6 span=1 arg=0 alloc=0 free=0 instant=1 lost=0 exit=1 exec=1 thread_start=1 string=31" \
    "$(kinds --thread worker)"
expect "--thread by number" "$(kinds --thread worker)" "$(kinds --thread 101)"
expect "two lists" "$all" "$(kinds --pid 1,100 -p 200 | sed 's/counter=6/counter=8/')"

# One profile per thread; a window keeps its place on the axis and its length.
"$tconv" -q --speedscope --from 2ms --to 8ms --pid 100 tiny.cbor.zst | /usr/bin/python3 -c '
import json, sys
profiles = json.load(sys.stdin)["profiles"]
assert [p["name"] for p in profiles] == ["prog (100) / prog (100)", "prog (100) / worker (101)"], profiles
for p in profiles:
    assert (p["startValue"], p["endValue"]) == (2000000, 8000000), p
    assert sum(p["weights"]) == 6000000, p
'

# What matches nothing is said; the output is valid and empty.
run "$tconv" --folded --pid 4242 tiny.cbor.zst
expect "status for a process that is not there" 0 "$status"
[ ! -s out ] || fail "stacks of a process that is not there"
grep -q 'no process 4242' err && grep -q 'nothing to convert' err || fail "not said: $(cat err)"
run "$tconv" --speedscope --thread nobody tiny.cbor.zst
grep -q "no thread 'nobody'" err || fail "not said: $(cat err)"
/usr/bin/python3 -m json.tool out >/dev/null

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
for format in $(formats); do
    run "$tconv" --$format empty.cbor.zst
    expect "status of --$format of nothing" 0 "$status"
    grep -q 'nothing to convert' err || fail "--$format: not said: $(cat err)"
    case $format in
    folded) [ ! -s out ] || fail "stacks out of nothing" ;;
    json) expect "lines" 2 "$(wc -l <out)" ;;
    speedscope | chrome-trace) /usr/bin/python3 -m json.tool out >/dev/null ;;
    esac
done
