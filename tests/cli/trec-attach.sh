#!/bin/bash
# trec -p: processes that run already, with all their threads and descendants, and without a trace.
. "$ROOT/tests/lib/trec.sh"
cc_target -o service "$ROOT/tests/targets/service.c"

# Whom service and recorder run as: ourselves, or nobody.
as=()
# start: a service that obeys on descriptor 5 and answers on 6; $service and $child are it.
start() {
    rm -f orders answers
    mkfifo orders answers
    "${as[@]}" ./service <orders >answers &
    service=$!
    exec 5>orders 6<answers
    read -r child <&6
}
order() { echo "$1" >&5; read -r answer <&6; expect "answer" "$1" "$answer"; }
finish() {
    echo q >&5
    run wait "$service"
    expect "status of the service" 7 "$status"
    exec 5>&- 6<&-
}
# attach FILE OPTIONS...: start trec and wait until it records.
attach() {
    local file=$1
    shift
    rm -f "$file"
    "${as[@]}" "$trec" -o "$file" "$@" 2>err &
    recorder=$!
    for _ in $(seq 200); do
        json "$file" 2>/dev/null | grep -q '"kind":"exec"' && return
        kill -0 $recorder 2>/dev/null || fail "trec has ended: $(cat err)"
        sleep 0.05
    done
    fail "trec does not begin"
}
detach() { kill -INT $recorder; run wait $recorder; expect "status of trec" 0 "$status"; }
json() { "$tconv" -q --json "$1"; }

# ---- bad PIDs: what they are, and no trace of them ----
refuse() { # STATUS WORDS PIDS...
    local wanted=$1 words=$2
    shift 2
    run "$trec" -o bad.cbor.zst "$@" >out 2>err
    expect "status of $*" "$wanted" "$status"
    grep -q -- "$words" err || fail "$*: '$words' is not in: $(cat err)"
    [ ! -e bad.cbor.zst ] || fail "$*: a trace was made"
}
sleep 60 &
idle=$!
disown $idle
refuse 2 "not a process number" -p 0
refuse 2 "not a process number" -p -5
refuse 2 "not a process number" -p ""
refuse 2 "not a process number" -p 12x
refuse 2 "not a process number" -p $idle,
refuse 2 "not a process number" -p 99999999999999999999
refuse 2 "named twice" -p $idle -p $idle

# Who has started trec can be recorded: all of it but trec itself.
"$trec" -q -d 0.3 -o own.cbor.zst -p $$
"$tconv" -q --json own.cbor.zst >own.jsonl
expect "processes" "$(printf '%s\n' $$ $idle | sort)" \
    "$(sed -n 's/^{"kind":"process",.*"pid":\([0-9]*\).*/\1/p' own.jsonl | sort -u)"
refuse 2 "no COMMAND" -p $idle true
refuse 1 "no process 4194304" -p 4194304
refuse 2 "name the processes with -p" --dump
if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
    refuse 2 "thread of the kernel" -p 2
fi
# Its shell becomes a sleep, which does not ask how its child ended.
sh -c '(sleep 0.3; exit 3) & echo $! >zombie; exec sleep 60' &
parent=$!
for _ in $(seq 100); do
    grep -qs '^State:.*Z' "/proc/$(cat zombie 2>/dev/null)/status" && break
    sleep 0.05
done
refuse 1 "has ended already" -p "$(cat zombie)"
kill $parent
run wait $parent

# ---- a service, what it had and what it starts meanwhile ----
record_service() {
start
attach t.cbor.zst -F 999 -p $service
order t
order f
order e
order r
detach
[ -d "/proc/$service" ] || fail "the service died of its recorder"
grep -v 'only user code is sampled' err && fail "said: $(cat err)"
rm -f t.json folded
json t.cbor.zst >t.json
/usr/bin/python3 - t.json $service "$child" <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
service, child = int(sys.argv[2]), int(sys.argv[3])
of = lambda kind: [r for r in records if r["kind"] == kind]
begin = of("header")[0]["time_ns"]
processes = {p["pid"]: p for p in of("process")}
assert service in processes and child in processes, processes
assert len(processes) == 3, f"{len(processes)} processes, 3 expected"
assert processes[child]["parent_id"] == processes[service]["id"]
threads = [t for t in of("thread") if t["pid"] == service]
assert len(threads) == 4, f"{len(threads)} threads of the service, 4 expected"
names = {r["name"] for r in of("thread_name")}
assert {"busy", "waiting"} <= names, names
execs = {r["pid"]: r for r in of("exec")}
assert execs[service]["argv"] == ["./service"] and execs[service]["exe"].endswith("/service")
ends = {r["pid"]: r for r in of("exit") if not r.get("thread_id")}
assert service not in ends, "the service has ended in the trace"
notes = {n["name"]: n["text"] for n in of("header")[0]["notes"]}
if notes.get("exit status") == "of every process":
    assert ends[child].get("status") == 4, ends[child]
    others = [e.get("status") for pid, e in ends.items() if pid != child]
    assert others == [3], others
PY
if can_sample; then
    "$tconv" -q --folded t.cbor.zst >folded
    /usr/bin/python3 - folded <<'PY' || exit 1
import sys
seen = {}
for line in open(sys.argv[1]):
    stack, count = line.rstrip("\n").rsplit(" ", 1)
    frames = [f for f in stack.split(";")[1:] if not f.endswith("_[k]")]
    for name in set(frames):
        seen[name] = seen.get(name, 0) + int(count)
    if "serve" in frames:
        rest = frames[frames.index("serve") + 1:]
        assert rest[:1] in ([], ["alpha"], ["beta"]), stack
        if rest[:1] == ["alpha"]:
            seen["serve;alpha"] = seen.get("serve;alpha", 0) + int(count)
assert seen.get("serve", 0) > 300, f"the busy thread is missing: {seen}"
share = 100 * seen["serve;alpha"] / seen["serve"]
assert abs(share - 75) < 6, f"alpha has {share:.1f} %, 75 % wanted"
assert seen.get("late_thread", 0) > 100, "a thread that began after us is missing"
assert seen.get("late_child", 0) > 100, "a child that was forked after us is missing"
PY
    # A thread that waited all the time was blocked all the time.
    /usr/bin/python3 - t.json <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
name = next(r for r in records if r["kind"] == "thread_name" and r["name"] == "waiting")
waits = [r for r in records if r["kind"] == "sample" and r["thread_id"] == name["thread_id"]]
assert waits and {r["state"] for r in waits} == {"blocked"}, waits[:3]
first = min(r["time_ns"] for r in records if r["kind"] == "start")
last = max(r["time_ns"] for r in waits)
total = sum(r["weight_ns"] for r in waits)
assert abs(total - (last - first)) < 0.02 * (last - first), f"{total} of {last - first} ns"
PY
fi
finish
}

record_service
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    # With an event on each thread, as where those of CPUs are refused.
    chmod 777 .
    cp "$trec" trec # where anybody can execute it
    trec=$PWD/trec
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    rm -f err
    record_service
    rm -f err
    # Few descriptors: what cannot be watched is counted.
    start
    "${as[@]}" sh -c "ulimit -n 103; exec \"$trec\" --duration 200ms -o few.cbor.zst -p $service" 2>err2
    json few.cbor.zst | grep -q '"kind":"exec"' || fail "nothing with few descriptors"
    if [ -s folded ]; then
        grep -q "too few descriptors" err2 || fail "few descriptors, not said: $(cat err2)"
        json few.cbor.zst | grep '"kind":"lost"' | grep -q descriptors || fail "not counted"
    fi
    finish
    as=()
    rm -f err t.cbor.zst t.json folded
fi

start
thread=$(ls "/proc/$service/task" | tail -n 1)
refuse 2 "is a thread of process $service" -p "$thread"

# ---- two processes, one that ends, --duration, the trace on stdout ----
"$trec" -q --duration 300ms -p $service,$idle >t2.cbor.zst
expect "named processes" 2 "$(json t2.cbor.zst | grep -c '"name":"attached"')"
expect "processes, a child of one among them" 3 "$(json t2.cbor.zst | grep -c '"kind":"exec"')"
kill -0 $idle || fail "the other process is gone"

# A signal of trec is not one of its targets.
attach t3.cbor.zst -p $service
kill -TERM $recorder
run wait $recorder
expect "status after SIGTERM" 0 "$status"
kill -0 $service || fail "the service got the signal"
finish

# It ends when the last of them has ended, and knows how.
start
attach t4.cbor.zst -p $service
order r
finish
run wait $recorder
expect "status when all have ended" 0 "$status"
if json t4.cbor.zst | grep -q '"text":"of every process"'; then
    json t4.cbor.zst | grep '"kind":"exit"' | grep "\"pid\":$service," | grep -q '"status":7' ||
        fail "the service's end is not in the trace"
fi

# One that is gone is said; the others go on.
run "$trec" --duration 200ms -o t5.cbor.zst -p 4194304,$idle 2>err
expect "status with one that is gone" 0 "$status"
grep -q "no process 4194304" err || fail "not said: $(cat err)"

# Of another user: who, why, and what to do; its CPU and memory are recorded.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    mkdir -m 777 public
    run setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$trec" --duration 200ms -o public/t.cbor.zst -p $idle 2>err
    expect "status without the right" 0 "$status"
    grep -q "process $idle (sleep): .*run.* as user 0; run trec as that user or as root" err ||
        fail "not said: $(cat err)"
    json public/t.cbor.zst | grep -q '"name":"rss"' || fail "nothing of a process of another user"
    json public/t.cbor.zst | grep '"kind":"lost"' | grep -q "not permitted" || fail "no loss"
fi

kill $idle
