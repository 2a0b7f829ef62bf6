#!/bin/bash
# The view calls: every record of a span once, in the order of time, under what it is in, with its
# arguments, results and exceptions; what was lost is in its place; nothing from a trace drives a
# terminal.
. "$ROOT/tests/lib/trender.sh"
spans() { "$BUILD/targets/spans_trace" "$1" "$1.cbor.zst"; }
for shape in server many deep lanes hostile one; do spans $shape; done
calls() { COLUMNS=${columns:-200} "$trender" --view calls "$@"; }
records() { grep -c -e '-->' -e '<--' "$1" || true; }

# A line for each.
calls one.cbor.zst >one.txt
grep -q "^0.001000           --> work()  *one.py:3$" one.txt || fail "$(cat one.txt)"
expect "its end" "0.003000    +2 ms  <-- (2 ms in work)" "$(tail -n 1 one.txt)"
calls many.cbor.zst >many.txt
expect "records of many calls" 200000 "$(records many.txt)"
expect "lines of many calls" 200000 "$(wc -l <many.txt)"
expect "calls" 100000 "$(grep -c -e '-->' many.txt)"
expect "arguments" 10000 "$(grep -c '(n: int = 17)' many.txt)"
expect "results" 10000 "$(grep -c -e '<-- 3 (.* in function_[0-9]*)$' many.txt)"

cat >check.py <<'PYTHON'
"""Calls and returns match in each thread, depth is indented, times ascend and durations add up."""
import re, sys
units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1}
stacks, last = {}, 0.0
for line in open(sys.argv[1], encoding="utf-8"):
    m = re.match(r" *(\d+\.\d{6}) +(?:\+\S+ ?\S*)?  (\d+) (\S+) *?  ( *)(-->|<--) (.*)$", line)
    assert m, line
    time, stack = float(m[1]), stacks.setdefault(m[2], [])
    assert time >= last, line
    last = time
    indent = len(line[:m.start(5)]) - stack[0][2] if stack else None
    name = re.search(r"function_\d+", m[6])[0]
    if m[5] == "-->":
        stack.append((name, time, m.start(5) if not stack else stack[0][2]))
        if len(stack) > 1:
            assert indent == 2 * (len(stack) - 1), line
    else:
        begun, began, column = stack.pop()
        assert begun == name and m.start(5) - column == 2 * len(stack), line
        d = re.search(r"([\d.]+) (ns|µs|ms|s) in", m[6])
        assert abs(float(d[1]) * units[d[2]] - (time - began)) <= 0.005 * (time - began) + 2e-6, line
assert len(stacks) == 4 and not any(stacks.values())
PYTHON
$python3 check.py many.txt || fail "nesting"

# What a request looks like; text is quoted, controls are escaped, what does not fit is counted.
columns=140 calls server.cbor.zst >server.txt
for line in \
    '--> request$' \
    '--> App.handle(path: str = "/items/0?page=2", retries: int = 3)  *server.py:40$' \
    '--> Db.query(sql: str = "select \*\\nfrom items\\twhere id = ?")  *db.py:12$' \
    '<-- 42 (8.97 ms in Db.query)$' \
    '<-- TimeoutError: no answer in 2 s (31.5 ms in Db.query)$' \
    '<-- (20 ms in request)$' \
    '--> loads(text: str = "")' \
    '--> loads(text: str = .* +92 bytes  *json/__init__.py:299$' \
    ' 5000/5001 pool-1  *--> request' \
    '0.261000 .*!!! 1 234 spans lost here: ring full, process 5010$' \
    '0.312000 .*\*\*\* log: cache is cold\\nreading it$'; do
    grep -q -e "${line//1 234/1.234}" server.txt || fail "no line '$line' in: $(cat server.txt)"
done
# Mid-stack: an end without a beginning has no length, and nothing is left of the margin.
head -n 1 server.txt | grep -q '5000/5000 python3  <-- <Connection 0x7f> (in Db.connect)$' || fail "$(head -n 1 server.txt)"
# A generator has a call and a return for each resume.
expect "resumes" 81 "$(grep -c -e '--> rows()' server.txt)"
expect "values" "54 27" "$(grep -c "<-- (1, 'x') (.* in rows)" server.txt) $(grep -c '<-- None (.* in rows)' server.txt)"
expect "cut in the trace" 8 "$(columns=240 calls server.cbor.zst | grep -c 'more of it"}…")')"

# A part: the records in it, as deep as in the whole.
calls --from 100ms --to 300ms server.cbor.zst >part.txt
calls server.cbor.zst | awk '$1 >= 0.1 && $1 <= 0.3' >wanted.txt
cut -c 1-8,18- part.txt >a.txt
cut -c 1-8,18- wanted.txt >b.txt
diff b.txt a.txt || fail "--from --to"
expect "--pid" 0 "$(calls --pid 5010 server.cbor.zst | grep -c Db.connect)"
[ "$(calls --pid 5010 server.cbor.zst | grep -c -e '-->')" -gt 30 ] || fail "--pid shows nothing"

# The filter keeps or drops records; depth stays that of the trace.
"$BUILD/targets/filter_trace" demo.cbor.zst
filtered() { calls --filter "$1" demo.cbor.zst >filtered.txt; records filtered.txt; }
expect "no filter" 44 "$(records <(calls demo.cbor.zst))"
expect "func == 'fib'" 18 "$(filtered "func == 'fib'")"
expect "func == 'fi%'" 18 "$(filtered "func == 'fi%'")"
expect "not" 26 "$(filtered "not func == 'fi%'")"
expect "!=" 26 "$(filtered "func != 'fib'")"
expect "a value" 1 "$(filtered "arg == 'return value' and value == '3'")"
expect "types" 29 "$(filtered "type == 'int' or type == 'str'")"
expect "tid" 44 "$(filtered "tid > 1")"
filtered "arg == 'return value' and value == '3'" >count.txt
grep -q '^0.018000 *<-- 3 (17 ms in fib)$' filtered.txt || fail "$(cat filtered.txt)"

# Depth is bounded on the page, never below 0; widths are those of the terminal.
calls deep.cbor.zst >deep.txt
expect "deep" 6000 "$(records deep.txt)"
grep -q ' 2999 --> down()' deep.txt || fail "no depth in words"
for shape in server hostile deep; do
    for columns in 60 80 132; do
        calls $shape.cbor.zst >width.txt
        LC_ALL=C grep -q '[[:cntrl:]]' width.txt && fail "control characters of $shape"
        $python3 - width.txt $columns <<'PYTHON' || fail "$shape in $columns columns"
import sys, unicodedata
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.rstrip("\n")
    width = sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    # Time, threads and a minimum of the call may need more than a narrow terminal has.
    assert width <= max(int(sys.argv[2]), 88), (width, line)
PYTHON
    done
done
unset columns
expect "hostile" 17 "$(records <(calls hostile.cbor.zst))"
calls hostile.cbor.zst | grep -q '<-- (5 µs in ev;il' || fail "the end of what others are open in"

# Damage is in its place too.
size=$(stat -c %s many.cbor.zst)
cp many.cbor.zst damaged.cbor.zst
dd if=/dev/zero of=damaged.cbor.zst bs=1 seek=$((size / 2)) count=64 conv=notrunc status=none
run "$trender" --view calls damaged.cbor.zst >damaged.txt 2>error.txt
expect "status of damage" 3 $status
grep -q '!!! [0-9].* spans missing here: the file is damaged$' damaged.txt || fail "damage is not shown"

# Nothing to show, wrong use, colours.
trace metrics
run "$trender" --view calls metrics.cbor.zst >none.txt 2>error.txt
expect "no spans" 4 $status
grep -q 'No calls or scopes' none.txt || fail "$(cat none.txt)"
run "$trender" --view calls -o x.svg one.cbor.zst 2>error.txt
expect "a picture of calls" 2 $status
run "$trender" --view calls many.cbor.zst >/dev/full 2>error.txt
expect "a full disk" 1 $status
"$trender" --view calls many.cbor.zst | head -n 1 >first.txt
if $python3 -c 'import pty; pty.openpty()' 2>/dev/null; then
    $python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' env TERM=xterm PAGER=cat \
        "$trender" --view calls server.cbor.zst </dev/null >colour.txt
    grep -q $'\e\[31m *<-- TimeoutError' colour.txt || fail "no colour for exceptions"
fi

# From elsewhere: Chrome trace events.
cat >chrome.json <<'JSON'
{"traceEvents": [
 {"name": "load", "ph": "B", "pid": 7, "tid": 7, "ts": 1000, "args": {"path": "a\u001b[31m.txt"}},
 {"name": "parse", "ph": "X", "pid": 7, "tid": 7, "ts": 1200, "dur": 300},
 {"name": "load", "ph": "E", "pid": 7, "tid": 7, "ts": 2000}
]}
JSON
calls chrome.json >chrome.txt
expect "Chrome" "2 2" "$(grep -c -e '-->' chrome.txt) $(grep -c -e '<--' chrome.txt)"
grep -q 'path.* = .*\\x1b\[31m' chrome.txt || fail "$(cat chrome.txt)"
