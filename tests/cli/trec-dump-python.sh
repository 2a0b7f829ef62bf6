#!/bin/bash
# trec --dump -p of Python programs: their frames joined with the native ones, or one kind alone.
. "$ROOT/tests/lib/trec.sh"
python=${PYTHON:-/usr/bin/python3}
[ -x "$python" ] || { echo "SKIP: no $python"; exit 77; }
cp "$ROOT/tests/targets/waits.py" .

start() { # SLEEPERS
    rm -f orders
    mkfifo orders
    "${as[@]}" "${interpreter[@]}" "$1" <orders >ready 2>&1 &
    pid=$!
    exec 5>orders
    for _ in $(seq 200); do grep -q ready ready && break; sleep 0.05; done
    grep -q ready ready || fail "${interpreter[*]}: $(cat ready)"
    sleep 0.1
}
finish() {
    exec 5>&-
    run wait "$pid"
    expect "status of the program" 0 "$status"
}
as=() interpreter=("$python" waits.py)

# stack_of FUNCTION DUMP: functions of the thread that has FUNCTION, its state first, in one line.
stack_of() {
    /usr/bin/python3 - "$1" "$2" <<'PY'
import re, sys
for thread in re.split(r"\n(?=Thread )", open(sys.argv[2]).read())[1:]:
    head, *lines = thread.strip().splitlines()
    frames = [line[4:] for line in lines if line.startswith("    ")]
    if any(re.match(re.escape(sys.argv[1]) + r" \(.*waits\.py:\d+\)$", frame) for frame in frames):
        state = re.match(r"Thread \d+ \(.*?\): (.*)", head)[1]
        print(state, "|", " ".join(re.split(r" [(\[]|\+", frame)[0] for frame in frames))
        break
PY
}

start 3
"$trec" --dump -p "$pid" >joined 2>err
expect "messages" "" "$(cat err)"
[[ "$(stack_of asleep joined)" =~ ^"sleeping in clock_nanosleep | "[^\ ]*"nanosleep asleep asleep asleep asleep asleep asleep Thread.run "Thread._bootstrap_inner\ Thread._bootstrap$ ]] ||
    fail "a sleeping thread: $(cat joined)"
[[ "$(stack_of main_waits joined)" =~ ^"sleeping in read | "[^\|]*read\ main_waits\ "<module>"$ ]] ||
    fail "the main thread: $(cat joined)"
[[ "$(stack_of waits_for_event joined)" =~ ^"sleeping in futex | ".*" Condition.wait Event.wait waits_for_event Thread.run " ]] ||
    fail "a thread that waits for another: $(cat joined)"
grep -q 'waits.py:16)$' joined || fail "the line of the call: $(cat joined)"
if can_sample; then
    [[ "$(stack_of busy_work joined)" =~ ^"running, holds the GIL | ".*"busy_work Thread.run " ]] ||
        fail "a running thread: $(cat joined)"
    grep -q PyEval joined && fail "frames of the interpreter: $(cat joined)"
fi

"$trec" --dump --native-frames -p "$pid" >with_interpreter
[[ "$(stack_of asleep with_interpreter)" =~ "asleep _PyEval_EvalFrame"[^\ ]*\ .*" start_thread clone3"$ ]] ||
    fail "--native-frames: $(cat with_interpreter)"
"$trec" --dump --no-native -p "$pid" >only_python
expect "only Python" "sleeping in clock_nanosleep | asleep asleep asleep asleep asleep asleep Thread.run Thread._bootstrap_inner Thread._bootstrap" \
    "$(stack_of asleep only_python)"
[[ "$(stack_of busy_work only_python)" =~ " | ".*"busy_work Thread.run Thread._bootstrap_inner Thread._bootstrap"$ ]] ||
    fail "a running thread, only Python: $(cat only_python)"
"$trec" --dump --no-python -p "$pid" >only_native
grep -q 'waits\.py:' only_native && fail "--no-python: $(cat only_native)"
grep -q 'clock_nanosleep' only_native || fail "--no-python: $(cat only_native)"

# With a process that runs no Python beside it; that one alone has nothing to show.
sleep 60 &
other=$!
disown $other
run "$trec" --dump --no-native -p "$pid,$other" >both 2>err
expect "status of two" 0 "$status"
expect "processes" 2 "$(grep -c '^Process ' both)"
run "$trec" --dump --no-native -p $other >none 2>err
expect "status without Python" 1 "$status"
grep -q 'no Python code' err || fail "without Python: $(cat err)"
kill $other

# Memory that may not be read, as of a stranger under Yama: one line says so, and the way out.
${CC:-cc} -shared -fPIC -O1 -o refuse_memory.so "$ROOT/tests/targets/refuse_memory.c"
# (The runtime of a sanitizer wants to be first.)
if LD_PRELOAD=./refuse_memory.so "$trec" --version >version 2>&1; then
    run env LD_PRELOAD=./refuse_memory.so "$trec" --dump -p "$pid" >refused 2>err
    grep -q "process $pid (.*): process_vm_readv: Permission denied: no Python stacks.*: .*run trec as" err ||
        fail "a refusal is not said: $(cat err)"
    expect "lines of it" 1 "$(grep -c 'process_vm_readv' err)"
    grep -q 'waits\.py:' refused && fail "Python stacks without a right to them"
    grep -q 'clock_nanosleep' refused || fail "native stacks beside refused Python ones: $(cat refused)"
    if can_sample; then
        LD_PRELOAD=./refuse_memory.so "$trec" -d 0.5 -o refused.cbor.zst -p "$pid" 2>err
        expect "lines of it when recording" 1 "$(grep -c 'process_vm_readv.*no Python stacks.*run trec as' err)"
        "$tconv" -q --folded refused.cbor.zst | grep -q . || fail "no native stacks"
    fi
fi
finish

start 200
"$trec" --dump -p "$pid" >many
expect "threads" 203 "$(grep -c '^Thread ' many)"
expect "frames" 1200 "$(grep -c '^    asleep (' many)"
finish

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 .
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    start 1
    "${as[@]}" "$trec" --dump -p "$pid" >as_nobody
    expect "as nobody" "$(stack_of asleep joined)" "$(stack_of asleep as_nobody)"
    finish
    # Another root, where the interpreter's path leads elsewhere.
    as=()
    if unshare --mount --pid --fork true 2>/dev/null && command -v chroot >/dev/null; then
        mkdir root
        interpreter=(unshare --mount --pid --fork --kill-child sh -c
            'mount --rbind / root && mount -t tmpfs none root/mnt && cp waits.py root/mnt &&
             exec chroot root '"$python"' /mnt/waits.py "$0"')
        start 1
        "$trec" --dump -p "$pid" >in_root
        expect "in another root" "$(stack_of asleep joined)" "$(stack_of asleep in_root)"
        finish
    fi
fi
