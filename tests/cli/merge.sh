#!/bin/bash
# Several traces as one: pieces give the whole, recordings made at once line up, hosts meet in UTC,
# what two traces tell of one thing is told once.
. "$ROOT/tests/lib/tconv.sh"
trender=$BUILD/trender
python=/usr/bin/python3
lib=$ROOT/tests/lib/merge_traces.py
sum() { awk '{ total += $NF } END { printf "%.0f\n", total }'; }
rows() { "$BUILD/targets/dump_trace" "$1" | sort; }
count() { grep -c "\"kind\":\"$2\"" "$1" || true; }

# --- pieces of one recording: record by record the whole ---
"$BUILD/targets/gen_trace" --symbols --samples 20000 --threads 5 --processes 2 --metrics 50 \
    big.cbor.zst >/dev/null
for cut in "tiny 2ms 4ms" "big 1s 2500ms"; do
    set -- $cut
    "$tconv" -q --trace --to $2 -o 1.cbor.zst $1.cbor.zst
    "$tconv" -q --trace --from $2 --to $3 -o 2.cbor.zst $1.cbor.zst
    "$tconv" -q --trace --from $3 -o 3.cbor.zst $1.cbor.zst
    rows $1.cbor.zst >whole
    "$tconv" -q --trace -o all.cbor.zst 1.cbor.zst 2.cbor.zst 3.cbor.zst
    cmp whole <(rows all.cbor.zst) || fail "pieces of $1 are not the whole"
    cat 1.cbor.zst 3.cbor.zst 2.cbor.zst >joined.cbor.zst
    "$tconv" -q --trace -o all.cbor.zst joined.cbor.zst
    cmp whole <(rows all.cbor.zst) || fail "joined pieces of $1 are not the whole"
    # What is there twice is told once.
    "$tconv" -q --trace -o all.cbor.zst $1.cbor.zst 2.cbor.zst $1.cbor.zst
    cmp whole <(rows all.cbor.zst) || fail "$1 and itself is not $1"
    for format in folded perf-script; do
        cmp <("$tconv" -q --$format $1.cbor.zst) <("$tconv" -q --$format 3.cbor.zst 1.cbor.zst 2.cbor.zst) ||
            fail "--$format of the pieces of $1"
    done
    cmp <("$trender" --view top $1.cbor.zst) <("$trender" --view top 2.cbor.zst 1.cbor.zst 3.cbor.zst)
done
# A trace without an id of its own, cut where a call begins.
"$BUILD/targets/filter_trace" calls.cbor.zst
"$tconv" -q --json calls.cbor.zst | grep -q '"trace_id":"0*"' || fail "the trace has an id"
"$tconv" -q --trace --to 9ms -o before.cbor.zst calls.cbor.zst
"$tconv" -q --trace --from 9ms -o after.cbor.zst calls.cbor.zst
"$tconv" -q --trace -o all.cbor.zst after.cbor.zst before.cbor.zst
cmp <(rows calls.cbor.zst) <(rows all.cbor.zst) || fail "pieces without an id are not the whole"
cat 1.cbor.zst - 3.cbor.zst <2.cbor.zst | "$tconv" -q --trace >piped.cbor.zst
cmp whole <(rows piped.cbor.zst) || fail "pieces through a pipe"
"$tconv" -q --trace - 3.cbor.zst 2.cbor.zst <1.cbor.zst >piped.cbor.zst
cmp whole <(rows piped.cbor.zst) || fail "a piece through a pipe"
"$tconv" --json piped.cbor.zst | head -1 |
    grep -q '{"name":"merged","text":"from 3 traces: standard input, 3.cbor.zst, 2.cbor.zst"}' || fail "no note"

# --- hosts: UTC, within 1 ms although clocks drift; one that ran a day before ---
$python "$lib" hosts
for host in web db old; do "$tconv" -q --trace -o $host.cbor.zst $host.jsonl; done
for inputs in "web db" "db web" "web old db"; do
    run "$tconv" --json ${inputs// /.cbor.zst }.cbor.zst
    expect "status of $inputs" 0 "$status"
    $python "$lib" marks out || fail "$inputs are not in line"
done
expect "processes of three hosts" 3 "$(count out process)"
expect "names" "srv srv@db srv@old" "$(sed -n 's/^{"kind":"name".*"name":"\([^"]*\)".*/\1/p' out | sort | paste -sd' ')"
expect "numbers of processes" "7 10000007 20000007" \
    "$(sed -n 's/^{"kind":"process".*"pid":\([0-9]*\).*/\1/p' out | sort -n | paste -sd' ')"
expect "names and numbers" "srv 7,srv@db 10000007" "$("$tconv" -q --json web.cbor.zst db.cbor.zst |
    sed -n 's/^{"kind":"name".*"pid":\([0-9]*\).*"name":"\([^"]*\)".*/\2 \1/p' | sort | paste -sd,)"
expect "metrics of three machines" 3 "$(count out metric)"
expect "second 0" '"utc_ns":1699913600000000000' "$(head -1 out | grep -o '"utc_ns":[0-9]*')"
grep -q 'db.cbor.zst (host db)' <(head -1 out) || fail "the note does not name the host"

expect "commands" "prog web + prog old" "$("$trender" web.cbor.zst old.cbor.zst web.cbor.zst | head -1)"

# --- --sum: one run, which begins at second 0; the same pid is another process ---
run "$tconv" --json --sum web.cbor.zst old.cbor.zst
expect "second 0 of a sum" '"time_ns":5999750013' "$(head -1 out | grep -o '"time_ns":[0-9]*')"
expect "instants at second 0" 2 "$(grep -c '"kind":"instant","time_ns":5999750013,' out)"
expect "processes of a sum" 2 "$(count out process)"
for seed in 1 2 3; do
    "$BUILD/targets/gen_trace" --samples 3000 --seed $seed --stacks 50 --functions 40 run$seed.cbor.zst >/dev/null
done
for weight in samples cpu wall; do
    expect "--weight $weight of a sum" "$(for seed in 1 2 3; do
        "$tconv" -q --folded --weight $weight run$seed.cbor.zst; done | sum)" \
        "$("$tconv" -q --folded --sum --weight $weight run[123].cbor.zst | sum)"
done
"$trender" --sum --view top run[123].cbor.zst | sed -n 2p | grep -q "^9 s CPU time" ||
    fail "top of a sum: $("$trender" --sum --view top run[123].cbor.zst | head -2)"

# --- foreign recordings, which have no wall time ---
echo 'main;work 30' >in.folded
echo 'main;rest 12' >other.folded
run "$tconv" --json web.cbor.zst in.folded
grep -q 'in.folded has no wall time: laid at second 0' err || fail "not said: $(cat err)"
[ "$(sed -n 's/^{"kind":"sample","time_ns":\([0-9]*\).*/\1/p' out | head -1)" -ge 5999750013 ] || fail "before second 0"
expect "samples and instants" "30 120" "$(count out sample) $(count out instant)"
expect "two foreign ones" 42 "$("$tconv" -q --folded in.folded other.folded | sum)"
run "$tconv" --folded --sum in.folded other.folded
grep -q 'wall time' err && fail "--sum needs no wall time"
expect "foreign and ours, forced" 30 "$("$tconv" -q --folded --from-format folded in.folded web.cbor.zst | sum)"

# --- two recordings of one boot: what both tell of the process and of the machine ---
cat >same.py <<'PYTHON'
import json, sys
which, begin, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
put = lambda **row: print(json.dumps(row))
put(kind="header", json_version=1, format_version=1, time_ns=begin, utc_ns=begin, trace_id=which.encode().hex() * 16,
    recorder="t", host="h", boot_id="b", os="", machine="", cwd="", argv=[], interval_ns=10**9)
for id, text in enumerate(["prog", "machine_cpu", "ns", "rss", "bytes", which, "/lib/x.so", "f", "child"], 1):
    put(kind="string", id=id, text=text)
put(kind="mapping", id=1, path_id=7, build_id_id=0, type="file")
put(kind="frame", id=1, mapping_id=1, address=4096, function_id=0, file_id=0, line=0, first_line=0, language="native")
put(kind="stack", id=1, parent_id=0, frame_id=1)
# The start is known to one of them only; the other pid began anew in the second recording.
put(kind="process", id=1, pid=50, ppid=1, start_ns=0 if which == "1" else 500)
put(kind="process", id=2, pid=60, ppid=1, start_ns=begin + 5)
put(kind="thread", id=1, process_id=1, tid=50)
put(kind="metric", id=1, name_id=2, unit_id=3, help_id=0, type="cumulative")
put(kind="metric", id=2, name_id=4, unit_id=5, help_id=0, type="gauge", process_id=1)
put(kind="exec", time_ns=begin, process_id=1, name_id=1)
for time in range(begin, end, 10**9):
    put(kind="counter", time_ns=time, metric_id=1, value=time)
    put(kind="counter", time_ns=time, metric_id=2, value=int(which))
    put(kind="sample", time_ns=time, weight_ns=1000, thread_id=1, stack_id=1, state="running")
put(kind="cost", time_ns=end, name_id=6, unit_id=3, value=1)
put(kind="lost", time_ns=end, count=2, what_id=6, reason_id=6)
put(kind="alive" if which == "1" else "exit", time_ns=end, process_id=1, status=0)
put(kind="symbol", mapping_id=1, address=4096, length=16, function_id=8)
PYTHON
"$tconv" -q --trace --from-format json -o same1.cbor.zst <($python same.py 1 10000000000 20000000000)
"$tconv" -q --trace --from-format json -o same2.cbor.zst <($python same.py 2 15000000000 30000000000)
run "$tconv" --json same1.cbor.zst same2.cbor.zst
grep -q 'both sampled thread 50 at the same time: its time counts twice' err || fail "not said: $(cat err)"
expect "warnings" 1 "$(grep -c 'counts twice' err)"
expect "process, thread, metric, mapping, symbol, exec, alive, exit, sample, cost, lost" "3 1 2 1 1 1 0 1 25 2 2" \
    "$(for kind in process thread metric mapping symbol exec alive exit sample cost lost; do count out $kind; done | paste -sd' ')"
expect "the end" 0 "$(sed -n 's/^{"kind":"exit".*"status":\([0-9]*\).*/\1/p' out)"
expect "values of the machine" "$(seq 10 29 | paste -sd' ')" \
    "$(sed -n 's/^{"kind":"counter".*"name":"machine_cpu".*"value":\([0-9]*\)000000000.*/\1/p' out | paste -sd' ')"
expect "values of the process" "1 1 1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2 2 2" \
    "$(sed -n 's/^{"kind":"counter".*"name":"rss".*"value":\([0-9]*\).*/\1/p' out | paste -sd' ')"
times=$(sed -n 's/^{"kind":"sample","time_ns":\([0-9]*\).*/\1/p' out)
expect "samples by time" "$times" "$(sort -n <<<"$times")"
expect "no such warning in turn" 0 "$("$tconv" --json same1.cbor.zst <($python same.py 3 40000000000 45000000000) \
    2>&1 >/dev/null | grep -c 'counts twice')"

# --- recorded at once ---
cat >stamp.py <<'PYTHON'
import os, time
for _ in range(5):
    begin = time.monotonic_ns()
    while time.monotonic_ns() - begin < 40000000:
        pass
    print(os.getpid(), begin, time.monotonic_ns(), flush=True)
    time.sleep(0.06)
PYTHON
"$BUILD/trec" -o a.cbor.zst $python stamp.py >a.txt 2>a.err &
"$BUILD/trec" -o b.cbor.zst $python stamp.py >b.txt 2>b.err
wait
if [ "$("$tconv" -q --folded a.cbor.zst | sum)" -gt 50 ]; then
    "$tconv" -q --json a.cbor.zst b.cbor.zst >both.jsonl
    $python "$lib" stamps both.jsonl a.txt b.txt
    # The second one from another boot, with a clock that drifts.
    $python "$lib" shift <("$tconv" -q --json b.cbor.zst) >shifted.jsonl
    "$tconv" -q --json a.cbor.zst shifted.jsonl >both.jsonl
    $python "$lib" stamps both.jsonl a.txt b.txt
    "$trender" -q -o both.svg a.cbor.zst b.cbor.zst
else
    echo "no samples here: $(cat a.err)"
fi

# --- damage: named, status 3, the rest is there ---
head -c 4000 1.cbor.zst >cut.cbor.zst
run "$tconv" --json 2.cbor.zst cut.cbor.zst 3.cbor.zst
expect "status of a damaged part" 3 "$status"
grep -q '^tconv: cut.cbor.zst: ' err || fail "the damaged one is not named: $(cat err)"
run "$trender" 2.cbor.zst cut.cbor.zst
expect "status of trender" 3 "$status"
cat 2.cbor.zst cut.cbor.zst >joined.cbor.zst
run "$tconv" --folded joined.cbor.zst
expect "status of a damaged second trace" 3 "$status"
grep -q 'joined.cbor.zst, trace 2: ' err || fail "the second trace is not named: $(cat err)"
says 1 'cannot open no-such-file' "$tconv" --json tiny.cbor.zst no-such-file
echo nothing >foreign
says 1 '^tconv: foreign: not a trace' "$tconv" --json tiny.cbor.zst foreign

# --- hostile files: never more than an error ---
for trace in "$ROOT"/tests/corpus/*.cbor.zst; do
    for inputs in "$trace tiny.cbor.zst" "tiny.cbor.zst $trace" "$trace $trace"; do
        for sums in "" --sum; do
            run "$tconv" -q $sums --trace -o merged.cbor.zst $inputs
            case "$status $trace" in
            1*bad-foreign-* | 1*unsupported-*) continue ;;
            0* | 3*) ;;
            *) fail "status of $inputs: $status: $(cat err)" ;;
            esac
            "$tconv" -q --json merged.cbor.zst >out || [ $? = 3 ] || fail "merged $inputs is not readable"
        done
    done
done

# --- memory is that of tables ---
peak() {
    $python -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)' "$@"
}
for seed in 1 2; do
    "$BUILD/targets/gen_trace" --samples 100000 --seed $seed few$seed.cbor.zst >/dev/null
    "$BUILD/targets/gen_trace" --samples 1000000 --seed $seed many$seed.cbor.zst >/dev/null
done
few=$(peak "$tconv" --folded few1.cbor.zst few2.cbor.zst)
many=$(peak "$tconv" --folded many1.cbor.zst many2.cbor.zst)
[ "$many" -le $((few + 24)) ] || fail "ten times the samples: $many MiB instead of $few"
expect "two million samples" 2000000 "$("$tconv" -q --folded --sum many1.cbor.zst many2.cbor.zst | sum)"
exit 0
