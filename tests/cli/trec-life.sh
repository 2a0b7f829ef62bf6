#!/bin/bash
# Every process of the tree is there from its start to its end, with status.
. "$ROOT/tests/lib/trec.sh"

# 60 short children with their own statuses.
"$trec" -q -o t.cbor.zst -- sh -c '
    i=0; while [ $i -lt 60 ]; do (sleep 0.00$((i % 9 + 1)); exit $((i % 50 + 1))) & wait $!; i=$((i+1)); done; true'
"$tconv" -q --json t.cbor.zst >t.json
/usr/bin/python3 - t.json <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
starts = {r["process_id"]: r for r in records if r["kind"] == "start" and not r.get("thread_id")}
ends = {r["process_id"]: r for r in records if r["kind"] == "exit" and not r.get("thread_id")}
assert len(starts) >= 121, f"{len(starts)} processes started, 121 expected"
assert set(starts) == set(ends), "starts and ends differ"
for id, end in ends.items():
    assert end["time_ns"] > starts[id]["time_ns"], f"{end} ends before it starts"
known = [e for e in ends.values() if e.get("status") is not None or e.get("signal") is not None]
root = min(ends)
assert ends[root].get("status") == 0, f"the command's own status is unknown: {ends[root]}"
notes = next(r for r in records if r["kind"] == "header")["notes"]
if {"name": "exit status", "text": "of every process"} in notes:
    assert len(known) == len(ends), f"{len(ends) - len(known)} statuses unknown"
    wanted = sorted(i % 50 + 1 for i in range(60))
    got = sorted(e["status"] for e in ends.values() if e.get("status"))
    assert got == wanted, f"statuses {got}"
else:
    print("SKIP of statuses: the proc connector is refused here")
PY

# The recording ends with the command; what it left behind lives on.
start=$(date +%s)
"$trec" -q -o t2.cbor.zst -- sh -c 'sleep 30 & echo $!' >pid
[ $(($(date +%s) - start)) -lt 10 ] || fail "trec waited for a process left behind"
kill -0 "$(cat pid)" || fail "the process left behind was killed"
kill "$(cat pid)"
"$tconv" -q --json t2.cbor.zst | grep -q '"kind":"alive"' || fail "who lives is not marked alive"

# --wait-all waits for it.
"$trec" -q --wait-all -o t3.cbor.zst -- sh -c '(sleep 0.5; exit 9) & exit 2' && status=0 || status=$?
expect "status under --wait-all" 2 "$status"
"$tconv" -q --json t3.cbor.zst | grep '"kind":"exit"' | grep -q '"status":9' || fail "the grandchild's end is missing"

# --duration ends the recording, not the program.
run "$trec" -q --duration 300ms -o t4.cbor.zst -- sh -c 'sleep 1; exit 6'
expect "status with --duration" 6 "$status"

# SIGKILL of trec: the program goes on, the trace is readable up to the last second.
"$trec" -q -o t5.cbor.zst -- sh -c 'echo $$ >child; sleep 2.2; echo done >finished' &
recorder=$!
sleep 1.8
kill -9 $recorder
wait $recorder 2>/dev/null || true
"$tconv" --json t5.cbor.zst >t5.json 2>err && status=0 || status=$?
expect "status of a cut trace" 3 "$status"
grep -q '"kind":"exec"' t5.json || fail "nothing in the trace of a killed recorder"
for _ in $(seq 50); do [ -e finished ] && break; sleep 0.1; done
[ -e finished ] || fail "the program died with its recorder"
