#!/bin/bash
# Python programs of which every legal stack, share and state is known, on every interpreter here.
. "$ROOT/tests/lib/trec.sh"
need_stacks
targets=$ROOT/tests/targets

. "$ROOT/tests/lib/pythons.sh"

# record NAME PYTHON SOURCE ARGUMENT...: leaves NAME.json, and what the program printed in truth.
record() {
    local name=$1 python=$2 source=$3
    shift 3
    "$trec" -q -o "$name.cbor.zst" -- "$python" - "$@" <"$targets/$source" >truth &&
        "$tconv" -q --json "$name.cbor.zst" >"$name.json"
}

# Read from stdin, so that interpreters in other roots can have them; their file is <stdin>.
calls() {
    record calls "$1" calls.py "${2:-2}" &&
        /usr/bin/python3 "$ROOT/tests/lib/check_calls.py" calls.json "$targets/calls.py" truth
}

for python in "${pythons[@]}"; do
    echo "$python:"
    # A recorder that gets no CPU reads too late, and says so: some attempts.
    calls "$python" || calls "$python" || calls "$python" 4 || calls "$python" 4 || calls "$python" 4 ||
        fail "$python: wrong stacks"
done

python=${pythons[0]}
for each in "${pythons[@]}"; do
    # Two that need the lock of the interpreter, and one that waits.
    record gil "$each" gil.py 0.5
    /usr/bin/python3 "$ROOT/tests/lib/check_gil.py" gil.json truth || fail "$each: states of threads"

    # A program cannot tell.
    cp "$targets/edges.py" edges.py
    for how in 0 7 raise signal; do
        run "$each" - "$how" 'two words' '' <edges.py >alone 2>&1
        alone=$status
        run "$trec" -q -o edges.cbor.zst -- "$each" - "$how" 'two words' '' <edges.py >watched 2>&1
        expect "$each: status of $how" "$alone" "$status"
        # The shell's own word on how it ended.
        sed -i '/Terminated/d' alone watched
        cmp -s alone watched || fail "$each: $how: $(diff alone watched)"
    done
done

# C code is under the Python function that called it, or it is said that this is not sure.
mixed() {
    "$trec" -q -o mixed.cbor.zst -- "$1" mixed.py "$2" >truth &&
        "$tconv" -q --json mixed.cbor.zst >mixed.json &&
        /usr/bin/python3 "$ROOT/tests/lib/check_mixed.py" mixed.json truth
}
cp "$targets/mixed.py" mixed.py
for each in "${pythons[@]}"; do
    include=$("$each" -c 'import sqlite3, sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null) || continue
    [ -e "$include/Python.h" ] || { echo "$each: no headers, no test of an extension"; continue; }
    cc_target -shared -fPIC -I"$include" -o mixed_ext.so "$targets/mixed_ext.c"
    mixed "$each" 1.5 || mixed "$each" 3 || mixed "$each" 5 || fail "$each: C code under the wrong function"
done

# What runs in a sub-interpreter is called by what has started it, in the main thread and another one.
for each in "${pythons[@]}"; do
    "$each" -c 'import _xxsubinterpreters' 2>/dev/null || "$each" -c 'import _interpreters' 2>/dev/null || continue
    "$trec" -q -o sub.cbor.zst -- "$each" - 0.4 <"$targets/interpreters.py" 2>/dev/null || fail "$each: interpreters.py"
    "$tconv" -q --folded sub.cbor.zst >sub.folded
    for caller in calls_in_main calls_in_thread; do
        grep -q "$caller.*;runs .*;inside" sub.folded || fail "$each: no sub-interpreter under $caller"
    done
    ! grep '^[^;]*;inside' sub.folded || fail "$each: a sub-interpreter without its caller"
done

# The tasks of asyncio have their names, where the version tells them.
for each in "${pythons[@]}"; do
    "$trec" -v -o tasks.cbor.zst -- "$each" - 1 <"$targets/tasks.py" >truth 2>err || fail "$each: tasks.py"
    if [ "$("$each" -c 'import sys; print(sys.version_info >= (3, 14))')" != True ]; then
        expect "$each: lines about tasks" 1 "$(grep -c 'does not tell the names of asyncio' err)"
        continue
    fi
    "$tconv" -q --folded --weight cpu tasks.cbor.zst >tasks.folded
    awk -v truth="$(cat truth)" '/burns/ { all += $NF; if (/\[task: reader\];works/) reader += $NF; if (/\[task: Task-/) unnamed += $NF }
        END { print "reader", reader / all, "unnamed", unnamed / all, truth; exit !(reader > 0.55 * all && reader < 0.65 * all && unnamed > 0.06 * all) }' \
        tasks.folded || fail "$each: tasks"
done

# With --offcpu all even the shortest wait is under the function that waits.
if "$trec" -q --offcpu all -o try.cbor.zst -- true 2>/dev/null; then
    for how in "" --no-native; do
        "$trec" -q $how --offcpu all -o naps.cbor.zst -- "${pythons[-1]}" -c '
import time
def naps(): time.sleep(0.0003)
end = time.time() + 1
while time.time() < end: naps()'
        "$tconv" -q --folded --weight offcpu naps.cbor.zst | grep -v preempted |
            awk '{ all += $NF } /naps/ { naps += $NF } END { print naps / 1e6, "of", all / 1e6, "ms are naps"; exit !(naps > 0.8 * all) }' ||
            fail "--offcpu all $how: short waits without their Python function"
    done
fi

# The collector is a frame of its own.
"$trec" -q -o gc.cbor.zst -- "$python" -c '
import gc, time
keep = [[i] for i in range(200000)]
end = time.thread_time() + 0.5
while time.thread_time() < end: gc.collect()'
"$tconv" -q --json gc.cbor.zst | grep -q '"functions":\["\[garbage collection\]"\]' || fail "no collector"

# Children of every kind run Python code that is seen.
cp "$targets/family.py" family.py
run "$trec" -q -o family.cbor.zst -- "$python" family.py
expect "status of a program executed by Python" 7 "$status"
"$tconv" -q --json family.cbor.zst >family.json
for function in burn_child burn_shell burn_forked burn_spawned burn_here; do
    grep -q "\"functions\":\[\"$function\"\]" family.json || fail "family: no $function"
done

# The interpreter as a part of another program, and as one that comes late.
if python3-config --embed --ldflags >/dev/null 2>&1 && python3-config --includes >/dev/null; then
    cat >embed.c <<'E'
#include <Python.h>
int main(void)
{
	Py_Initialize();
	PyRun_SimpleString("import time\ndef embedded():\n e = time.thread_time() + 0.5\n"
			   " while time.thread_time() < e: pass\nembedded()");
	return 0;
}
E
    library=$(python3-config --ldflags --embed) prefix=$(python3-config --prefix)
    cc_target -o embed embed.c $(python3-config --includes) $library -Wl,-rpath,"$prefix/lib"
    PYTHONHOME=$prefix "$trec" -q -o embed.cbor.zst -- ./embed
    "$tconv" -q --json embed.cbor.zst | grep -q '"functions":\["embedded"\]' || fail "no embedded Python"
fi

# The same as a part of a program that no name tells of, stripped.
for each in "${pythons[@]}"; do
    archive=$("$each" -c 'import sys, sysconfig; v = sysconfig.get_config_var; print(v("LIBPL") + "/" + v("LIBRARY") if sys.version_info >= (3, 11) else "")')
    [ -n "$archive" ] && [ -e "$archive" ] && [ -e embed.c ] || continue
    include=$("$each" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    cc_target -o inside embed.c -I"$include" "$archive" -ldl -lm -lutil -Wl,--export-dynamic 2>/dev/null || continue
    strip inside
    PYTHONHOME=$("$each" -c 'import sys; print(sys.base_prefix)') "$trec" -q -o inside.cbor.zst -- ./inside
    "$tconv" -q --json inside.cbor.zst | grep -q '"functions":\["embedded"\]' || fail "$each: no Python inside of a program"
    break
done

# Many threads, and many short lives.
"$trec" -q -o threads.cbor.zst -- "$python" -c '
import threading, time
def work():
    end = time.thread_time() + 0.01
    while time.thread_time() < end: pass
threads = [threading.Thread(target=work) for i in range(150)]
for t in threads: t.start()
for t in threads: t.join()
print(len(threads))' >truth
expect "150 threads" 150 "$(cat truth)"
"$tconv" -q --json threads.cbor.zst | grep -q '"functions":\["work"\]' || fail "no function of 150 threads"
run "$trec" -q -o lives.cbor.zst -- sh -c '
    i=0; while [ $i -lt '"${LIVES:-60}"' ]; do "$0" -S -c pass || exit 1; i=$((i+1)); done; exit 9' "$python"
expect "status after many short Pythons" 9 "$status"

# Stopped for each sample, both stacks are of one instant: from 3.10 on all are joined.
exact() {
    "$trec" -q --exact -o exact.cbor.zst -- "$1" mixed.py "$2" >truth && "$tconv" -q --json exact.cbor.zst >exact.json &&
        /usr/bin/python3 "$ROOT/tests/lib/check_mixed.py" exact.json truth --all-merged
}
for each in "${pythons[@]}"; do
    [ "$("$each" -c 'import sys; print(sys.version_info >= (3, 10))')" = True ] || continue
    include=$("$each" -c 'import sqlite3, sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null) || continue
    [ -e "$include/Python.h" ] || continue
    cc_target -shared -fPIC -I"$include" -o mixed_ext.so "$targets/mixed_ext.c"
    exact "$each" 3 || exact "$each" 6 || exact "$each" 10 || fail "$each: --exact"
done
run "$trec" --exact --sampler perf -o e.cbor.zst -- true 2>err
expect "status of --exact --sampler perf" 125 "$status"

# Threads that wait as soon as they began: the one reading of that wait finds them.
cat >starters.py <<'P'
import threading, time
def parked(): time.sleep(1.2)
def begin():
    sum(range(3000))
    parked()
threads = [threading.Thread(target=begin) for _ in range(120)]
for thread in threads:
    thread.start()
    time.sleep(0.0007)
for thread in threads: thread.join()
P
cat >check_starters.py <<'P'
import json, sys
functions, stacks, waits = {}, {}, []
for line in open(sys.argv[1]):
    row = json.loads(line)
    if row["kind"] == "frame":
        functions[row["id"]] = row["functions"][0]
    elif row["kind"] == "stack":
        stacks[row["id"]] = stacks.get(row.get("parent_id"), []) + [functions[row["frame_id"]]]
    elif row["kind"] == "sample" and row["state"] == "blocked" and row["tid"] != row["pid"]:
        if row["weight_ns"] > 1e9 and row.get("stack_id"):
            waits.append("parked" in stacks[row["stack_id"]])
print(f"{len(waits)} waits, {waits.count(False)} without Python")
assert len(waits) > 20 and all(waits), "waits without their Python stack"
P
for _ in 1 2 3; do
    "$trec" -q -o starters.cbor.zst -- "${pythons[-1]}" starters.py || fail "starters.py"
    "$tconv" -q --json starters.cbor.zst >starters.json
    /usr/bin/python3 check_starters.py starters.json || fail "threads that began a moment ago"
done
