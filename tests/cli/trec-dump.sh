#!/bin/bash
# trec --dump -p: the stacks of all threads now, of those that wait and of those that run.
. "$ROOT/tests/lib/trec.sh"
cc_target -o service "$ROOT/tests/targets/service.c"
as=()
start() {
    rm -f orders answers
    mkfifo orders answers
    "${as[@]}" ./service <orders >answers &
    service=$!
    exec 5>orders 6<answers
    read -r child <&6
    for _ in $(seq 100); do
        [ "$(cat /proc/$service/task/*/comm | sort | tr '\n' ' ')" = "busy service waiting " ] && return
        sleep 0.05
    done
    fail "the service does not begin"
}
finish() {
    echo q >&5
    run wait "$service"
    expect "status of the service" 7 "$status"
    exec 5>&- 6<&-
}
check() { # DUMP: all four threads, each with what it does, from its leaf to its root
    /usr/bin/python3 - "$1" $service "$child" <<'PY' || fail "the dump is: $(cat "$1")"
import re, sys
text = open(sys.argv[1]).read()
service, child = sys.argv[2:4]
threads, pid = {}, None
for line in text.splitlines():
    if m := re.match(r"Process (\d+): \./service$", line):
        pid = m[1]
    elif m := re.match(r"Thread (\d+) \((.*)\): (.*)$", line):
        frames = []
        threads[pid, m[2]] = m[3], frames
    elif line.startswith("    "):
        frames.append(line[4:])
assert re.search(r"^/.*/service, 3 threads$", text, re.M), text
functions = lambda key: [re.split(r"[ +]", f)[0] for f in threads[key][1]]
state = lambda key: threads[key][0]
assert len(threads) == 4, threads.keys()
# The same function again where it was inlined: only what the source has counts.
def has(key, *wanted):
    found = [f for f in functions(key) if f in wanted]
    assert found == list(wanted), (key, functions(key))
assert state((service, "waiting")) == "sleeping in read", threads
has((service, "waiting"), "wait_for_request", "run_wait")
assert state((service, "service")) in ("sleeping in read", "sleeping in newfstatat"), threads
has((service, "service"), "main", "_start")
assert state((child, "service")) == "sleeping in read", threads
has((child, "service"), "wait_for_request", "start_child", "main", "_start")
busy = functions((service, "busy"))
assert state((service, "busy")) == "running", threads
assert {"alpha", "beta", "serve"} & set(busy), busy
has((service, "busy"), "serve", "run_serve")
assert any("service.c:" in f and f.endswith("[service]") for f in threads[service, "waiting"][1]), text
PY
}

start
"$trec" --dump -p $service >dump 2>err
expect "messages" "" "$(cat err)"
if ! can_sample; then
    echo "running threads may have no stack here"
else
    check dump
fi
[ "$(ls ./*.cbor.zst 2>/dev/null | grep -vc can_sample)" = 0 ] || fail "a trace was made"

# Two processes; one that is gone is said.
run "$trec" --dump -p 4194304,"$child" >dump2 2>err
expect "status with one that is gone" 0 "$status"
grep -q "no process 4194304" err || fail "not said: $(cat err)"
grep -q "wait_for_request" dump2 || fail "not the other: $(cat dump2)"
run "$trec" --dump -p 4194304 >dump3 2>err
expect "status with none left" 1 "$status"
expect "text with none left" "" "$(cat dump3)"

# Stopped threads say so, and are not let go.
kill -STOP "$child"
for _ in $(seq 100); do grep -q '^State:.*T' "/proc/$child/status" && break; sleep 0.05; done
"$trec" --dump -p "$child" | grep -q "): stopped" || fail "a stopped process"
grep -q '^State:.*T' "/proc/$child/status" || fail "a stopped process goes on"
kill -CONT "$child"
finish

# Names that drive terminals do not reach them.
cp "$(command -v sleep)" $'bad\e[31mname\n'
$'./bad\e[31mname\n' 60 &
bad=$!
disown $bad
for _ in $(seq 100); do grep -q bad "/proc/$bad/comm" && break; sleep 0.05; done
"$trec" --dump -p $bad >dump4
kill $bad
grep -q $'\e' dump4 && fail "an escape in the text"
grep -q 'bad?\[31mname?' dump4 || fail "$(cat dump4)"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 .
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    start
    "${as[@]}" "$trec" --dump -p $service >dump5 2>err
    if can_sample; then check dump5; fi
    finish
    # Of another user: refused, with the way out.
    sleep 60 &
    other=$!
    disown $other
    run "${as[@]}" "$trec" --dump -p $other >dump6 2>err
    kill $other
    expect "status without the right" 1 "$status"
    grep -q "process $other (sleep): .*as user 0; run trec as that user or as root" err ||
        fail "not said: $(cat err)"
    # Where perf is refused a running thread is stopped for a moment.
    if ${CC:-cc} -O1 -o refuse "$ROOT/tests/targets/refuse.c" && ./refuse perf true; then
        as=()
        start
        ./refuse perf "$trec" --dump -p $service >dump7 2>err
        check dump7
        finish
    fi
fi
