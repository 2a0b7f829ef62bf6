#!/bin/bash
# Text of Python's samplers: austin, py-spy, live-trace. Totals of the source, Python frames with
# file and line.
. "$ROOT/tests/lib/tconv.sh"
. "$ROOT/tests/lib/foreign.sh"
python=/usr/bin/python3

# frames FILE: language, function, file and line of all frames.
frames() {
    "$tconv" -q --json "$1" | $python -c '
import json, sys
for row in map(json.loads, sys.stdin):
    if row["kind"] == "frame":
        print(row["language"], row["function"], row.get("file", row.get("module", "-")), row.get("line", 0))' | sort
}

# --- austin 3 ---
cat >in.austin <<'END'
# austin: 3.4.1
# interval: 1000
# mode: wall
# multiprocess: on
P8374;T8374;<frozen zipimport>:__init__:94;<frozen zipimport>:_read_directory:354 12903
P8374;T8374;app.py:<module>:25;/usr/lib/python3.8/enum.py:__call__:341 272
P8374;T8374 1887
P8374;T8374;:INVALID: 2012
P8380;T0:8381;app.py:<module>:46;app.py:fact:31;/usr/lib/libc.so.6:read:0 2232
P8380;T0:8381;app.py:<module>:46;kernel:do_read:0 1
# duration: 19306
END
all_of in.austin --weight wall
expect "microseconds of austin" 19307000 "$("$tconv" -q --folded --weight cpu in.austin | sum)"
expect "samples of austin" 6 "$("$tconv" -q --folded in.austin | sum)"
cat >wanted <<'END'
kernel do_read kernel 0
native read /usr/lib/libc.so.6 0
python <module> app.py 25
python <module> app.py 46
python INVALID - 0
python __call__ /usr/lib/python3.8/enum.py 341
python __init__ <frozen zipimport> 94
python _read_directory <frozen zipimport> 354
python fact app.py 31
END
LC_ALL=C sort -o wanted wanted
cmp wanted <(frames in.austin | LC_ALL=C sort) || fail "frames of austin: $(frames in.austin)"
expect "rate of austin" 1000 "$("$tconv" -q --json in.austin | sed -n 's/.*"rate_hz":\([0-9]*\).*/\1/p' | head -1)"
"$trender" in.austin | grep -q '2 processes' || fail "processes of austin"
printf 'P1;T1;a.py:f:3 300,1,4096\nP1;T1;a.py:f:3 200,0,0\n' >full.austin
expect "idle time of full mode" "200000 500000" "$("$tconv" -q --folded --weight cpu full.austin | sum) \
$("$tconv" -q --folded --weight wall full.austin | sum)"
printf '# mode: memory\nP1;T1;a.py:f:3 300\n' >memory.austin
says 1 'line 2, column 1: samples of memory have no times' "$tconv" -q --folded memory.austin
printf 'P1;T1;a.py:f:3 300\nP1;T1;a.py:f:3 x\n' >bad.austin
says 1 'line 2, column 1: no sample: ' "$tconv" -q --folded bad.austin

# --- austin 1, as Debian 12 has it ---
cat >one.austin <<'END'
Process 7;Thread 564aa759be40;_find_and_load (<frozen importlib._bootstrap>);L991;get_code (<frozen importlib._bootstrap_external>);L932 1021
Thread 564aa7605670 4018
Thread 564aa7605670;<module> (fact.py:8);work (fact.py:7) 1000 0 4096
END
all_of one.austin --weight wall
expect "microseconds of austin 1" 6039000 "$("$tconv" -q --folded --weight cpu one.austin | sum)"
cat >wanted <<'END'
python <module> fact.py 8
python _find_and_load <frozen importlib._bootstrap> 991
python get_code <frozen importlib._bootstrap_external> 932
python work fact.py 7
END
cmp <(LC_ALL=C sort wanted) <(frames one.austin | LC_ALL=C sort) || fail "frames of austin 1"

# --- py-spy dump ---
cat >in.pyspy <<'END'
Process 7: python3 /srv/app.py --port 80
Python v3.11.2 (/usr/bin/python3.11)

Thread 7 (active+gil): "MainThread"
    work (app.py:12)
        Arguments:
            n: 3
        Locals:
            text: "a (b.py:3)"
    <module> (app.py:20)
Thread 0x7F4A1B2C3D40 (idle): "pool (1)"
    wait (threading.py:320)
    _bootstrap (threading.py:995)
    clone (libc.so.6)
Thread 9 (idle)
END
all_of in.pyspy --weight wall
expect "stacks of a dump" "3 1" "$("$tconv" -q --json in.pyspy | grep -c '"kind":"sample"') \
$("$tconv" -q --folded in.pyspy | sum)"
"$tconv" -q --native-frames --folded --weight wall in.pyspy >out
grep -qF 'python3 /srv/app.py --port 80;<module> (app.py);work (app.py) 1000000' out || fail "a dump: $(cat out)"
grep -qF ';clone;_bootstrap (threading.py);wait (threading.py);[waiting] 1000000' out || fail "a dump: $(cat out)"
"$tconv" -q --json in.pyspy | grep -q '"kind":"thread_name".*"name":"pool (1)"' || fail "name of a thread"
printf 'Process 7: x\nPython v3.8.1 (/x)\n\nThread 7 (idle)\n    no frame\n' >bad.pyspy
says 1 'line 5, column 5: no frame' "$tconv" -q --folded bad.pyspy

# --- py-spy record --format raw: folded stacks of its frames ---
cat >in.raw <<'END'
process 7:"python3 app.py";thread (9);<module> (app.py:20);work (app.py:12) 30
process 7:"python3 app.py";thread (9);<module> (app.py:20);work (app.py:13);read (libc.so.6) 12
END
all_of in.raw --weight wall
expect "samples of py-spy" 42 "$("$tconv" -q --folded in.raw | sum)"
expect "Python frames of py-spy" "<module> app.py 20,read libc.so.6 0,work app.py 12,work app.py 13" \
    "$(frames in.raw | grep -v 'process\|thread' | cut -d' ' -f2- | LC_ALL=C sort | paste -sd,)"
grep -q 'work .*app.py' top || fail "top of py-spy: $(cat top)"
# Other folded stacks stay what they are.
echo 'main (app);work (x y) 3' >plain.folded
"$tconv" -q --json --from-format folded plain.folded | grep -q '"function":"work (x y)"' || fail "a plain name was cut"

# --- live-trace: what its tracer writes of two threads, of which one is in a recursion ---
cat >live.py <<'PYTHON'
import datetime, os, sys, threading, time, traceback
def wait(event):
    event.wait()
def work(depth):
    return work(depth - 1) if depth else record()
def record():
    code = []
    for tick in range(20):
        now = datetime.datetime(2014, 5, 20, 15, 22, 33, 123456) + datetime.timedelta(seconds=0.1 * tick)
        for thread_id, stack in sys._current_frames().items():
            code.append("\n\n#START date: %s\n# ProcessId: %s\n# ThreadID: %s" % (now, os.getpid(), thread_id))
            for filename, lineno, name, line in traceback.extract_stack(stack):
                code.append('File: "%s", line %d, in %s' % (filename, lineno, name))
                if line:
                    code.append("  %s" % (line.strip()))
            code.append("#END")
    return "\n".join(code)
event = threading.Event()
thread = threading.Thread(target=wait, args=(event,))
thread.start()
while not any("wait" == f.f_code.co_name for f in sys._current_frames().values()):
    time.sleep(0.01)
print(work(3))
event.set()
PYTHON
$python live.py >in.live
all_of in.live --weight wall
expect "blocks of live-trace" 40 "$("$tconv" -q --folded in.live | sum)"
expect "a block is 100 ms" 4000000000 "$("$tconv" -q --folded --weight cpu in.live | sum)"
expect "threads of live-trace" 2 "$("$tconv" -q --json in.live | grep -c '"kind":"thread",')"
"$tconv" -q --folded in.live | grep -q '^python;<module> (live.py);work (live.py);work (live.py);work (live.py);work (live.py);record (live.py) 20$' ||
    fail "stacks of live-trace: $("$tconv" -q --folded in.live)"
frames in.live | grep -q "^python work .*live.py 5$" || fail "a line of live-trace"
"$trender" --view source --own "$PWD" in.live | grep -q 'return work(depth - 1)' || fail "no source text"
head -n -3 in.live >cut.live
run "$tconv" --folded cut.live
grep -q 'the last block has no #END: left out' err || fail "a cut log is not said: $(cat err)"
sed '0,/^#END/{/^#END/d}' in.live >bad.live
says 1 'a block without its #END before it' "$tconv" -q --folded bad.live

# gzip, pipes, several at once.
gzip -k in.austin in.live
expect "austin, packed" 6 "$("$tconv" -q --folded in.austin.gz | sum)"
expect "live-trace through a pipe" 40 "$(cat in.live | "$tconv" -q --folded | sum)"
expect "runs summed" 80 "$("$tconv" -q --folded --sum in.live in.live | sum)"
exit 0
