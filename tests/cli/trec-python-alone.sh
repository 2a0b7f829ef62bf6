#!/bin/bash
# Python stacks without native ones: by perf's samples, and by a timer where nothing else is allowed.
. "$ROOT/tests/lib/trec.sh"
targets=$ROOT/tests/targets
. "$ROOT/tests/lib/pythons.sh"
python=${pythons[0]}
"$trec" -q --sampler timer -o try.cbor.zst -- "$python" -c pass 2>err || fail "$(cat err)"
[ ! -s err ] || { echo "SKIP: memory of others cannot be read here: $(cat err)"; exit 77; }
hows="timer"
! can_sample || hows="timer perf"

# record HOW NAME PYTHON SOURCE ARGUMENT...
record() {
    local how=$1 name=$2 python=$3 source=$4
    shift 4
    "$trec" -q --no-native --sampler "$how" -o "$name.cbor.zst" -- "$python" - "$@" <"$targets/$source" >truth &&
        "$tconv" -q --json "$name.cbor.zst" >"$name.json"
}
calls() {
    record "$1" calls "$2" calls.py "$3" && /usr/bin/python3 "$ROOT/tests/lib/check_calls.py" calls.json "$targets/calls.py" truth &&
        cp truth calls.truth
}
gil() { record "$1" gil "$2" gil.py 0.3 && /usr/bin/python3 "$ROOT/tests/lib/check_gil.py" gil.json truth; }

for how in $hows; do
    for each in "${pythons[@]}"; do
        echo "$how, $each:"
        calls $how "$each" 1 || calls $how "$each" 2 || calls $how "$each" 4 || fail "$how, $each: wrong stacks"
        gil $how "$each" || gil $how "$each" || fail "$how, $each: states of threads"
        ! grep -q '"kind":"frame".*"language":"native"' calls.json gil.json || fail "$how: native frames"
    done
    # In sum the samples are the CPU time.
    "$tconv" -q --folded --weight cpu calls.cbor.zst | awk '{ s += $NF } END { printf "%.0f\n", s }' >sum
    /usr/bin/python3 - "$(cat sum)" <<'P' || fail "$how: samples stand for $(cat sum) ns: $(cat calls.truth)"
import json, sys
spent = sum(json.loads(open("calls.truth").read().splitlines()[0]).values()) * 1e9
sys.exit(not 0.98 * spent < int(sys.argv[1]) < 1.02 * spent + 2e8)
P
    # What is no Python program is not there, children that are one are.
    cp "$targets/family.py" family.py
    run "$trec" -q --no-native --sampler $how -o family.cbor.zst -- sh -c '"$0" family.py; exit $?' "$python"
    expect "$how: status" 7 "$status"
    "$tconv" -q --json family.cbor.zst >family.json
    for function in burn_child burn_shell burn_forked burn_spawned burn_here; do
        grep -q "\"functions\":\[\"$function\"\]" family.json || fail "$how: no $function"
    done
    "$trec" -q --no-native --sampler $how -o other.cbor.zst -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
    ! "$tconv" -q --json other.cbor.zst | grep -q '"kind":"sample"' || fail "$how: samples of a shell"
    # One that runs already.
    "$python" -c '
def already():
    while True: pass
already()' &
    "$trec" -q --no-native --sampler $how -d 1s -o p.cbor.zst -p $!
    kill $!
    "$tconv" -q --folded p.cbor.zst >p.folded
    grep -q already p.folded || fail "$how: nothing of -p: $(cat p.folded)"
done

# An interpreter that comes late into a program; what that did before is no Python code.
library=$("$python" -c 'import sysconfig; v = sysconfig.get_config_var; print(v("LIBDIR") + "/" + (v("INSTSONAME") or ""))')
case $library in
*.so.*)
    cat >late.c <<'E'
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
int main(int argc, char **argv)
{
	while (clock() < CLOCKS_PER_SEC / 4)
		;
	void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		return puts(dlerror()), 1;
	((void (*)(void))dlsym(library, "Py_Initialize"))();
	((int (*)(const char *))dlsym(library, "PyRun_SimpleString"))(
		"import time\ndef late():\n e = time.thread_time() + 0.4\n while time.thread_time() < e: pass\nlate()");
	return 0;
}
E
    cc_target -o late late.c -ldl
    home=$("$python" -c 'import sys; print(sys.base_prefix)')
    for how in $hows; do
        PYTHONHOME=$home "$trec" -q --no-native --sampler $how -o late.cbor.zst -- ./late "$library"
        "$tconv" -q --folded --weight cpu late.cbor.zst |
            awk '/late \(/ { late += $NF } END { print "late:", late / 1e6, "ms"; exit !(late > 150e6 && late < 420e6) }' ||
            fail "$how: a late interpreter"
    done ;;
esac

# As in a container without either interface, one line for each; nothing is stopped there.
${CC:-cc} -O1 -o refuse "$targets/refuse.c"
if ./refuse perf true; then
    run ./refuse perf,ptrace "$trec" -o t.cbor.zst -- "$python" - 0.5 <"$targets/calls.py" >truth 2>err
    expect status 0 "$status"
    expect "lines about both" 2 "$(wc -l <err)"
    grep -q '^trec: ptrace: Operation not permitted: no stacks but Python' err || fail "$(cat err)"
    "$tconv" -q --json t.cbor.zst >t.json
    grep -q '"sampler","text":"timer, Python alone"' t.json || fail "the sampler: $(head -1 t.json)"
    grep -q '"functions":\["recursion"\]' t.json || fail "no Python without perf and ptrace"
    run ./refuse perf "$trec" --no-native -o t.cbor.zst -- "$python" -c pass 2>err
    expect "lines about perf" 1 "$(wc -l <err)"
    grep -q 'perf_event_open: .*: Python stacks are read by a timer instead' err || fail "$(cat err)"
    # Through /proc/PID/mem.
    run ./refuse perf,ptrace,process_vm_readv "$trec" -q -o m.cbor.zst -- "$python" - 0.5 <"$targets/calls.py" >truth
    "$tconv" -q --json m.cbor.zst | grep -q '"functions":\["recursion"\]' || fail "no Python through /proc/PID/mem"
fi

# As an ordinary user, of its own program.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid 65534 --clear-groups /usr/bin/python3 -c pass 2>/dev/null; then
    mkdir -p public && chmod 755 . && chmod 777 public && cp "$trec" public/trec && chmod 755 public/trec
    for how in $hows; do
        (cd public && setpriv --reuid 65534 --regid 65534 --clear-groups ./trec -q --no-native --sampler $how \
            -o n.cbor.zst -- /usr/bin/python3 - 0.5 <"$targets/calls.py" >/dev/null)
        "$tconv" -q --json public/n.cbor.zst | grep -q '"functions":\["recursion"\]' || fail "$how: no Python as nobody"
        rm public/n.cbor.zst
    done
fi

# Neither: processes and metrics.
"$trec" --no-native --no-python -o n.cbor.zst -- "$python" -c pass 2>err
expect "messages without both" "" "$(cat err)"
! "$tconv" -q --json n.cbor.zst | grep -q '"kind":"sample"' || fail "samples without both"
