#!/bin/bash
# Foreign recordings in every view and format, with the totals of the source.
. "$ROOT/tests/lib/tconv.sh"
. "$ROOT/tests/lib/foreign.sh"

# --- folded ---
cat >in.folded <<'END'
# a remark
main;work;inner 30
main;work 12
main;idle_[k] 5

name with space;a:b<c> 3
END
all_of in.folded
expect "samples of folded" 50 "$("$tconv" -q --folded in.folded | sum)"
cmp <(grep ';' in.folded | sort) <("$tconv" -q --folded in.folded | sed 's/^in.folded;//' | sort)
grep -q '60.0 % .* inner' top || fail "top of folded: $(cat top)"
gzip -k in.folded
expect "samples of folded.gz" 50 "$("$tconv" -q --folded in.folded.gz | sum)"
expect "samples of a pipe" 50 "$(cat in.folded | "$tconv" -q --folded | sum)"
echo 'a;b 123456789012' >large.folded
expect "large counts are ns" 123456789012 "$("$tconv" -q --folded --weight cpu large.folded | sum)"
printf 'a;b 1\r\na;c 2' >dos.folded
expect "CR LF, no last newline" 3 "$("$tconv" -q --folded dos.folded | sum)"
echo 'alone 7' >alone
says 1 'not a trace' "$tconv" -q --folded alone
expect "forced" 7 "$("$tconv" -q --from-format folded --folded alone | sum)"
printf 'a;b 1\nno count\n' >bad.folded
says 1 'line 2, column 8' "$tconv" -q --from-format folded --folded bad.folded
says 2 'did you mean folded' "$tconv" --from-format foldd --folded bad.folded

# --- perf script ---
cat >in.perf <<'END'
# captured on: today
my prog  11/12 [001]  100.250000:    1000000 cpu-clock:ppp: 
	    7f00 leaf+0x10 (/usr/lib/libx.so (deleted))
	    7f01 operator()(int) (/usr/bin/prog)
	    4010 main+0x1f (/usr/bin/prog)

my prog  11/11 [000]  100.251000:    1000000 cpu-clock:ppp: 
	ffffffff81 do_work+0x1 ([kernel.kallsyms])
	    4010 main+0x2f (/usr/bin/prog)

my prog  11/11 [000]  100.252000:    2000000 cpu-clock:ppp: 
other    13 [000]  100.252500:          1 faults: 
	    4010 main+0x2f (/usr/bin/prog)

END
all_of in.perf
"$tconv" -q --folded --weight cpu in.perf | sort >out
LC_ALL=C sort >wanted <<'END'
my prog;[stack not known] 2000000
my prog;main;do_work_[k] 1000000
my prog;main;operator()(int);leaf 1000000
END
cmp wanted <(LC_ALL=C sort out) || fail "perf script: $(cat out)"
run "$tconv" --folded in.perf
grep -q 'lost while recording: 1 sample .*another event' err || fail "the other event: $(cat err)"
# Without stacks the only frame stands behind the event.
printf 'prog 1 1.000000:  5 cpu-clock:ppp:      7f12 work(int)+0x1f (/bin/prog)\nprog 1 1.1: 7 cpu-clock:ppp:  9 g\n' >flat.perf
expect "flat perf script" "prog;g 7 prog;work(int) 5" \
    "$("$tconv" -q --folded --weight cpu flat.perf | LC_ALL=C sort | paste -sd' ')"
# What perf knows of mappings and lives is no event; events may have no name.
printf 'prog 1 0.0: PERF_RECORD_MMAP -1/0: [0x1(0x2) @ 0]: x [kernel.kallsyms]_text\n' >records.perf
cat in.perf >>records.perf
printf 'prog 1 0.0: PERF_RECORD_EXIT(1:1):(2:2)\n' >>records.perf
expect "lines of --show-mmap-events" "$("$tconv" -q --folded in.perf)" "$("$tconv" -q --folded records.perf)"
printf 'prog 1 1.0:  5 \n\t 7f12 f\n\nprog 1 1.1: \n\t 7f12 f\n\n' >unnamed.perf
expect "events without names" "prog;f 2" "$("$tconv" -q --folded unnamed.perf)"
printf 'prog 1 1.000000: 5 cpu-clock: \n\n???\n' >bad.perf
says 1 'line 3, column 1' "$tconv" -q --folded bad.perf

if perf record -q -B -N -g -F 499 -o perf.data -- "$BUILD/targets/gen_trace" --samples 100000 \
    generated.cbor.zst >/dev/null 2>&1 && perf script -i perf.data >real.perf 2>/dev/null &&
    [ -s real.perf ]; then
    all_of real.perf
    expect "samples of perf" "$(grep -c ' cpu-clock\|task-clock' real.perf)" \
        "$("$tconv" -q --folded real.perf | sum)"
    expect "periods of perf" "$(awk '/cpu-clock|task-clock/ { s += $(NF - 1) } END { printf "%.0f", s }' real.perf)" \
        "$("$tconv" -q --folded --weight cpu real.perf | sum)"
else
    echo "no perf here: only a stored text was read"
fi

# --- our own JSON: equal records, equal ids ---
rows() { "$BUILD/targets/dump_trace" "$1" | sort; }
"$BUILD/targets/gen_trace" --symbols --samples 20000 --threads 5 --processes 2 --metrics 50 \
    many.cbor.zst
for trace in tiny many; do
    "$tconv" -q --json "$trace.cbor.zst" >"$trace.jsonl"
    "$tconv" -q --trace -o back.cbor.zst "$trace.jsonl"
    cmp <(rows "$trace.cbor.zst") <(rows back.cbor.zst) || fail "$trace: other records after --json"
    cmp <(head -1 "$trace.jsonl") <("$tconv" -q --json back.cbor.zst | head -1) || fail "another header"
done
all_of tiny.jsonl
# A part of the lines, as jq and grep leave it, is a trace too.
grep -v '"kind":"\(stack\|span\|clock\)"' tiny.jsonl >part.jsonl
all_of part.jsonl
(head -3 tiny.jsonl; echo '{"kind":"sample","time_ns":tru}') >bad.jsonl
says 1 'line 4, column' "$tconv" -q --folded bad.jsonl
(head -3 tiny.jsonl; echo '{"kind":"sampel"}') >bad.jsonl
says 1 'line 4, column 1[78]: no line of a known kind' "$tconv" -q --folded bad.jsonl
for bad in 'time_ns -5' 'weight_ns 1e40' 'thread_id "x"'; do
    (head -3 tiny.jsonl; echo "{\"kind\":\"sample\",\"${bad% *}\":${bad#* }}") >bad.jsonl
    says 1 "line 4, column .*: ${bad% *}: not a number" "$tconv" -q --folded bad.jsonl
done
(head -3 tiny.jsonl; echo '{"kind":"sample","time_ns":5,"state":"runing"}') >bad.jsonl
says 1 'line 4, column .*: a value that a sample cannot have' "$tconv" -q --folded bad.jsonl
sed 's/"language":"python"/"language":44/' tiny.jsonl >bad.jsonl
says 1 'a value that a frame cannot have' "$tconv" -q --folded bad.jsonl

# --- speedscope: sampled, evented, and our own ---
cat >in.speedscope.json <<'END'
{"$schema":"https://www.speedscope.app/file-format-schema.json","profiles":[
 {"type":"evented","name":"first","unit":"milliseconds","startValue":5,"endValue":9,"events":[
  {"type":"O","frame":0,"at":5},{"type":"O","frame":1,"at":6.5},{"type":"C","frame":1,"at":8},{"type":"C","frame":0,"at":9}]},
 {"type":"sampled","name":"second","unit":"none","startValue":0,"endValue":10,
  "samples":[[0,1],[],[0]],"weights":[4,5,1]},
 {"weights":[0.000001,2e-6],"samples":[[1],[0,1]],"unit":"seconds","startValue":0.005,"name":"third"}],
 "shared":{"frames":[{"name":"main"},{"name":"f","file":"a.c","line":3}]}}
END
all_of in.speedscope.json
"$tconv" -q --folded --weight cpu in.speedscope.json | sed 's/^in.speedscope.json;//' | LC_ALL=C sort >out
cat >wanted <<'END'
f 1000
main 3500000
main;f 5502000
END
cmp wanted out || fail "speedscope: $(cat out)"
# Counts are samples: 4 and 1 of the second; 3 stacks of the first, 2 of the third.
expect "samples of speedscope" 10 "$("$tconv" -q --folded in.speedscope.json | sum)"
for weight in cpu wall; do
    "$tconv" -q --speedscope --weight $weight -o ours.speedscope.json many.cbor.zst
    expect "speedscope with --weight $weight and back" \
        "$("$tconv" -q --folded --weight $weight many.cbor.zst | sum)" \
        "$("$tconv" -q --folded --weight cpu ours.speedscope.json | sum)"
done
sed 's/\[0,1\],\[\]/[0,9],[]/' in.speedscope.json >bad.speedscope.json
says 1 'line 5, column .*frame that is not there' "$tconv" -q --folded bad.speedscope.json
head -c 600 in.speedscope.json >bad.speedscope.json
says 1 'bad.speedscope.json' "$tconv" -q --folded bad.speedscope.json

# --- Chrome: any order, no end, arguments, counters ---
cat >in.chrome.json <<'END'
[{"name":"process_name","ph":"M","pid":7,"tid":7,"args":{"name":"srv"}},
{"name":"thread_name","ph":"M","pid":7,"tid":8,"args":{"name":"wrk"}},
{"name":"inner","ph":"X","ts":1200.5,"dur":100,"pid":7,"tid":7,"args":{"n":3,"deep":{"x":1}}},
{"name":"outer","ph":"X","ts":1000,"dur":1000,"pid":7,"tid":7},
{"name":"b","ph":"B","ts":1000,"pid":7,"tid":8,"args":{"path":"/x"}},
{"name":"c","ph":"B","ts":1100,"pid":7,"tid":8},
{"ph":"E","ts":1300,"pid":7,"tid":8},{"ph":"E","ts":1500,"pid":7,"tid":8},{"ph":"E","ts":1600,"pid":7,"tid":8},
{"name":"mem","ph":"C","ts":1500,"pid":7,"tid":8,"args":{"heap":5,"rss":7}},
{"name":"flow","ph":"s","ts":1500,"pid":7,"tid":8,"id":1},
{"name":"mark","ph":"i","ts":1500,"pid":7,"tid":8,"s":"t"},
END
all_of in.chrome.json
cat >wanted <<'END'
srv;b 300000
srv;b;c 200000
srv;outer 900000
srv;outer;inner 100000
END
cmp wanted <("$tconv" -q --folded --weight cpu in.chrome.json) || fail "stacks of spans"
"$tconv" -q --json in.chrome.json >out
expect "kinds of records" "arg:2 counter:2 instant:1 lost:1 name:1 span:8 thread_name:1" \
    "$(sed -n 's/^{"kind":"\(arg\|counter\|instant\|lost\|name\|span\|thread_name\)".*/\1/p' out |
        sort | uniq -c | awk '{ print $2 ":" $1 }' | paste -sd' ')"
run "$tconv" --json in.chrome.json
grep -q '1 ends (E) without a beginning' err || fail "an end too many is not said: $(cat err)"
printf '{"traceEvents":[\n{"name":"x","ph":"B","pid":1}]}' >bad.chrome.json
says 1 'line 2, column .*without a time' "$tconv" -q --folded bad.chrome.json
printf '{"traceEvents":[{"ph":"B","ts":1,]}' >bad.chrome.json
says 1 'line 1, column 3' "$tconv" -q --folded bad.chrome.json
# Samples behind the events are no second time on the CPU: they are counted, but for idle ones.
printf '%s' '{"traceEvents":[{"name":"x","ph":"X","pid":1,"tid":1,"ts":5,"dur":2}],
"stackFrames":{"0":{"name":"[idle]"},"1":{"name":"f"}},
"samples":[{"tid":1,"ts":5,"sf":1,"weight":7},{"tid":1,"ts":6,"sf":1},{"tid":1,"ts":7,"sf":0,"weight":0}]}' \
    >sampled.chrome.json
says 0 'lost while recording: 2 event (.*samples are not read)' "$tconv" --trace -o sampled.cbor.zst sampled.chrome.json
expect "time on CPU" "[unknown];x 2000" "$("$tconv" -q --folded --weight cpu sampled.chrome.json)"
# As many spans as there and back, of the same length.
lengths() {
    /usr/bin/python3 -c '
import json, sys
events = json.load(open(sys.argv[1]))
events = events["traceEvents"] if isinstance(events, dict) else events
print(sum(e["ph"] == "X" for e in events), round(sum(1000 * e.get("dur", 0) for e in events if e["ph"] == "X")))' "$1"
}
if command -v node >/dev/null; then
    node --trace-event-categories v8,node --trace-event-file-pattern node.json \
        -e 'for (let i = 0; i < 3e5; i++) JSON.stringify({ a: i }); setTimeout(() => {}, 20)'
    all_of node.json
    read -r spans ns < <(lengths node.json)
    [ "$spans" -gt 10 ] || fail "node traced nothing"
    "$tconv" -q --json node.json >node.jsonl
    /usr/bin/python3 - "$spans" "$ns" <<'PYTHON'
import json, sys
spans = [row for row in map(json.loads, open("node.jsonl")) if row["kind"] == "span"]
source = json.load(open("node.json"))["traceEvents"]
pairs = sum(event["ph"] == "B" for event in source)
begins = sum(span["phase"] == "begin" for span in spans)
assert begins == int(sys.argv[1]) + pairs, (begins, sys.argv[1], pairs)
times = sum(span["time_ns"] * (1 if span["phase"] == "end" else -1) for span in spans)
both = int(sys.argv[2]) + sum(round(1000 * e["ts"]) * {"B": -1, "E": 1}.get(e["ph"], 0) for e in source)
assert abs(times - both) <= begins, (times, both)
PYTHON
fi

# --- V8's CPU profiles ---
cat >in.cpuprofile <<'END'
{"nodes":[{"id":1,"callFrame":{"functionName":"(root)","url":"","lineNumber":-1},"children":[2,3,5]},
{"id":2,"callFrame":{"functionName":"(idle)","url":"","lineNumber":-1}},
{"id":3,"callFrame":{"functionName":"main","url":"file:///a.js","lineNumber":4},"children":[4]},
{"id":4,"callFrame":{"functionName":"","url":"file:///a.js","lineNumber":9}},
{"id":5,"callFrame":{"functionName":"(program)","url":"","lineNumber":-1}}],
"startTime":1000,"endTime":8000,"samples":[5,3,4,4,2],"timeDeltas":[1000,500,1500.5,1000,3000]}
END
all_of in.cpuprofile
cat >wanted <<'END'
(program) 1000000
main 500000
main;(anonymous) 2500500
END
cmp wanted <("$tconv" -q --folded --weight cpu in.cpuprofile | sed 's/^in.cpuprofile;//' | LC_ALL=C sort) ||
    fail "cpuprofile: $("$tconv" -q --folded --weight cpu in.cpuprofile)"
expect "time with idling" 7000500 "$("$tconv" -q --folded --weight wall in.cpuprofile | sum)"
sed 's/"children":\[4\]/"children":[4,3]/' in.cpuprofile >bad.cpuprofile
says 1 'their own callers' "$tconv" -q --folded bad.cpuprofile
sed 's/3000]/3000,1]/' in.cpuprofile >bad.cpuprofile
says 1 'another number of timeDeltas' "$tconv" -q --folded bad.cpuprofile
for exponent in 99999999999999999999 -99999999999999999999 400; do
    sed "s/3000]/3e$exponent]/" in.cpuprofile >bad.cpuprofile
    says 1 'line 6' "$tconv" -q --folded bad.cpuprofile
done
if command -v node >/dev/null; then
    node --cpu-prof --cpu-prof-name=real.cpuprofile -e 'for (let i = 0; i < 3e6; i++) JSON.stringify({ a: i })'
    all_of real.cpuprofile
    expect "time of node" "$(/usr/bin/python3 -c 'import json
print(1000 * sum(max(0, d) for d in json.load(open("real.cpuprofile"))["timeDeltas"]))')" \
        "$("$tconv" -q --folded --weight wall real.cpuprofile | sum)"
    grep -q stringify top || grep -q anonymous top || fail "top of node: $(cat top)"
fi

echo 'no recording of any sort' >foreign
says 1 'not a trace.*--from-format' "$tconv" --folded foreign
: >empty
run "$tconv" --folded empty
grep -q -e --from-format err && fail "an empty file is told to be foreign"
exit 0
