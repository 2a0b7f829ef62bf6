#!/bin/bash
# Waits of a program that says what it waits for, built in every way that matters for its stacks.
. "$ROOT/tests/lib/trec.sh"
need_stacks
source=$ROOT/tests/targets/waits.c

# look NAME COMMAND...: record ./waits by COMMAND. Returns: whether the trace says what it waited for.
look() {
    local name=$1
    shift
    "$@" -q -o "$name.cbor.zst" -- ./waits >truth
    "$tconv" -q --json "$name.cbor.zst" >"$name.json"
    echo "$name:"
    /usr/bin/python3 "$ROOT/tests/lib/check_waits.py" "$name.json" truth &&
        /usr/bin/python3 "$ROOT/tests/lib/check_states.py" "$name.json"
}

# A recorder that gets no CPU for 20 ms misses a wait, and says so: some attempts.
check() {
    for _ in 1 2 3 4 5 6; do
        look "$@" && return
    done
    fail "$1: waits are not what the program says"
}

cc_target -o waits "$source"
check plain "$trec"
cc_target -fno-omit-frame-pointer -o waits "$source"
check framepointers "$trec"
cc_target -O0 -fno-omit-frame-pointer -o waits "$source"
check unoptimized "$trec"
cc_target -static -o waits "$source"
check static "$trec"

# Memory that only /proc/PID/mem gives.
cc_target -o refuse "$ROOT/tests/targets/refuse.c"
cc_target -o waits "$source"
check refused ./refuse process_vm_readv "$trec"
check missing ./refuse no_process_vm_readv "$trec"

# What may not be read is said, and breaks nothing.
cat >shy.c <<'END'
#include <sys/prctl.h>
#include <unistd.h>
int main(void) { return prctl(PR_SET_DUMPABLE, 0) + usleep(100000); }
END
cc_target -o shy shy.c

# Two threads that wake each other: too many waits to look at, but no time is lost.
cc_target -o pingpong "$ROOT/tests/bench/pingpong.c"
"$trec" -q -o pingpong.cbor.zst -- ./pingpong 100000 >/dev/null
"$tconv" -q --json pingpong.cbor.zst >pingpong.json
/usr/bin/python3 "$ROOT/tests/lib/check_states.py" pingpong.json || fail "pingpong: states do not add up"

# Every wait has its stack where that is allowed, the short ones too; else that is said at once.
if "$trec" -q --offcpu all -o all.cbor.zst -- ./waits >truth 2>refused; then
    check all "$trec" --offcpu all
    "$trec" -q --offcpu all -o pingpong.cbor.zst -- ./pingpong 2000 20000 >/dev/null
    "$tconv" -q --json pingpong.cbor.zst >pingpong.json
    grep '"state":"blocked"' pingpong.json | grep -v '"summed"' >blocked
    [ "$(wc -l <blocked)" -ge 1000 ] || fail "--offcpu all: $(wc -l <blocked) of 2000 waits"
    # A recorder that gets no CPU loses some, and says so.
    grep -q 'ring overflow' pingpong.json || ! grep -v '"stack_id"' blocked ||
        fail "--offcpu all: a wait without a stack"
    grep -q '"syscall":"futex"' blocked || fail "--offcpu all: no system call"
else
    grep -q 'perf_event_paranoid=1 or CAP_PERFMON' refused || fail "--offcpu all: $(cat refused)"
fi
run "$trec" --offcpu some -o some.cbor.zst true 2>refused
expect "status of a wrong --offcpu" 125 "$status"
grep -q 'long or all' refused || fail "not said: $(cat refused)"
[ ! -e some.cbor.zst ] || fail "a trace in spite of a wrong option"

# Without stacks of waits they keep their times.
"$trec" -q --no-offcpu -o none.cbor.zst -- ./waits >truth
"$tconv" -q --json none.cbor.zst | grep '"state":"blocked"' >blocked
grep -q '"stack_id"' blocked && fail "stacks of waits with --no-offcpu"
[ "$(wc -l <blocked)" -ge 20 ] || fail "waits are missing with --no-offcpu"

# An ordinary user reads its own programs' waits as well.
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && id nobody >/dev/null 2>&1 ||
    { echo "SKIP: needs root to become an ordinary user"; exit 77; }
chmod 777 "$PWD"
cp "$trec" trec
as_nobody() { setpriv --reuid nobody --clear-groups ./trec "$@"; }
as_nobody -q -o can.cbor.zst true 2>/dev/null ||
    { echo "SKIP: an ordinary user cannot run programs here"; exit 77; }
cc_target -fno-omit-frame-pointer -o waits "$source"
check nobody as_nobody
as_nobody -q -o shy.cbor.zst -- ./shy
"$tconv" -q --json shy.cbor.zst >shy.json
grep -q '"lost".*"stack".*no permission' shy.json || fail "not said: a wait that may not be read"
grep '"state":"blocked"' shy.json | grep -q '"weight_ns":1[0-9]\{8\},' || fail "its time is not there"
