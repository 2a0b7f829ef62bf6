#!/bin/bash
# Where the kernel refuses, trec says so in one line and records what is left.
. "$ROOT/tests/lib/trec.sh"
${CC:-cc} -O1 -o refuse "$ROOT/tests/targets/refuse.c"
./refuse perf true || { echo "SKIP: seccomp filters cannot be installed here"; exit 77; }

exits() { "$tconv" -q --json "$1" | grep '"kind":"exit"' | grep -vc '"thread_id"'; }

# No perf: one line with the call, the errno and what to do; processes and metrics all the same.
run ./refuse perf "$trec" -o t.cbor.zst -- sh -c '(sleep 0.4; exit 4); exit 5' 2>err
expect status 5 "$status"
expect "lines about it" 1 "$(wc -l <err)"
grep -q 'perf_event_open: Permission denied.*: threads are stopped briefly' err || fail "$(cat err)"
[ "$(exits t.cbor.zst)" -ge 3 ] || fail "processes are missing without perf"
"$tconv" -q --json t.cbor.zst | grep -q '"name":"rss"' || fail "no memory without perf"
"$tconv" -q --json t.cbor.zst | grep '"kind":"exit"' | grep -q '"status":5' || fail "no status"

# Nor the proc connector: what a walk over /proc can see. Unknown statuses are never a made-up 0.
run ./refuse perf,connector "$trec" -q -o t2.cbor.zst -- sh -c '(sleep 0.6; exit 4); exit 5'
expect status 5 "$status"
[ "$(exits t2.cbor.zst)" -ge 2 ] || fail "processes are missing in a walk over /proc"
"$tconv" -q --json t2.cbor.zst | grep '"kind":"exit"' >exits
grep -q '"status":5' exits || fail "the command's own status is missing"
[ "$(grep -c '"status":0' exits)" -le 1 ] || fail "a made-up status: $(cat exits)" # the sleep's

# Asked for no stacks: nothing to say.
"$trec" --no-native -o t3.cbor.zst -- true 2>err3
expect "messages with --no-native" "" "$(cat err3)"
"$tconv" -q --json t3.cbor.zst | grep -q '"kind":"sample"' && fail "samples with --no-native"
true
