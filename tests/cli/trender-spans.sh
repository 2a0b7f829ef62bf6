#!/bin/bash
# The view spans: its table adds up what the records say, recursion once; its picture is bounded,
# says what it leaves out, and is the same each time. Traces with spans and nothing else have a
# timeline, a report and a summary.
. "$ROOT/tests/lib/trender.sh"
tconv=$BUILD/tconv
spans() { "$BUILD/targets/spans_trace" "$1" "$1.cbor.zst"; }
for shape in server many deep lanes hostile one million; do spans $shape; done
export COLUMNS=160

cat >check.py <<'PYTHON'
"""The table against sums over the records."""
import collections, json, re, subprocess, sys
trender, tconv, trace = sys.argv[1:]
units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
pids, rows, stacks, last = {}, collections.defaultdict(lambda: [0, 0, 0, 0]), {}, {}
json_lines = subprocess.run([tconv, "-q", "--json", trace], check=True, capture_output=True, text=True).stdout
def close(thread, time):
    name, began, inner = stacks[thread].pop()
    length = time - began
    row = rows[name]
    row[0] += 1
    row[2] += length - inner
    row[3] = max(row[3], length)
    if all(other[0] != name for other in stacks[thread]):
        row[1] += length
    if stacks[thread]:
        stacks[thread][-1][2] += length
for line in json_lines.splitlines():
    r = json.loads(line)
    if r.get("kind") == "exit":
        last[r["pid"]] = r["time_ns"]
    if r.get("kind") != "span":
        continue
    pids[r["thread_id"]] = r["pid"]
    stack = stacks.setdefault(r["thread_id"], [])
    name = r.get("name") or r["function"]
    if r["phase"] == "begin":
        stack.append([name, r["time_ns"], 0])
    elif stack:
        assert stack[-1][0] == name, r
        close(r["thread_id"], r["time_ns"])
for thread, stack in stacks.items():
    while stack:
        close(thread, last[pids[thread]])
text = subprocess.run([trender, "--view", "spans", "--top", "1000", trace], check=True, capture_output=True, text=True).stdout
seen = set()
for line in text.splitlines():
    m = re.match(r" *([\d\u2009]+)" + r" +(0|[\d.]+) ?(ns|µs|ms|s)?" * 4 + r"(?: +[-+]?\S+(?: \S?s| \S?i?B)?){0,2}?  (\S.*?)(?:  .*)?$", line)
    if not m or m[10] == "name":
        continue
    name, row = m[10], rows[m[10]]
    figures = [int(m[1].replace("\u2009", ""))] + [float(m[i]) * units[m[i + 1] or "ns"] for i in (2, 4, 6, 8)]
    wanted = [row[0], row[1], row[2], None, row[3]]
    for got, want in zip(figures, wanted):
        assert want is None or abs(got - want) <= 0.005 * want + 0.5, (name, figures, wanted)
    seen.add(name)
assert seen == set(rows), (seen ^ set(rows), text)
PYTHON
for shape in server many deep lanes one; do
    $python3 check.py "$trender" "$tconv" $shape.cbor.zst || fail "figures of $shape"
done

# CPU time within: the samples of its thread in its time. Memory: of its process, then less before.
"$trender" --view spans server.cbor.zst >server.txt
figure() { sed -n "s/^.* \([0-9.]* [mµ]*s\) *[-+0-9A-Za-z. ]*  $1\( .*\)*$/\1/p" server.txt; }
expect "CPU in render" "241 ms" "$(figure render)"
expect "CPU in a request" "545 ms" "$(figure request)"
grep -q '+35 MiB  serve$' server.txt || fail "no growth of memory: $(cat server.txt)"
COLUMNS=80 "$trender" --view spans server.cbor.zst >narrow.txt
[ "$($python3 -c 'print(max(len(l.rstrip("\n")) for l in open("narrow.txt")))')" -le 80 ] || fail "wider than 80"
expect "rows" 3 "$("$trender" --view spans --top 3 many.cbor.zst | grep -c 'function_')"
"$trender" --view spans --top 3 many.cbor.zst | grep -q '^… 37 more (--top 40 shows all)$' || fail "no word on the others"

# Parts: figures are those of the range, of the process, of what the filter takes.
"$trender" --view spans --from 100ms --to 200ms server.cbor.zst >part.txt
grep -q ' 1  *100 ms .* serve$' part.txt || fail "--from --to: $(cat part.txt)"
! "$trender" --view spans --pid 5010 server.cbor.zst | grep -q ' serve$' || fail "--pid"
"$BUILD/targets/filter_trace" demo.cbor.zst
"$trender" --view spans --filter "func == 'fib' and dur > 5ms" demo.cbor.zst | grep -q '^ *2  *17 ms .* fib' || fail "--filter"

# The picture.
for shape in server many deep lanes hostile one million; do
    for view in spans timeline report; do
        for width in 1200 320; do
            "$trender" -q --view $view --width $width -o $shape.svg $shape.cbor.zst || fail "$view of $shape"
            "$trender" -q --view $view --width $width -o again.svg $shape.cbor.zst
            cmp $shape.svg again.svg || fail "$view of $shape differs from run to run"
            $python3 - $shape.svg <<'PYTHON' || fail "$view of $shape, $width px"
import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
assert len(text) <= 1.5e6, len(text)
root = tree.fromstring(text)
ns = "{http://www.w3.org/2000/svg}"
assert len(list(root.iter(ns + "title"))) <= 5300
assert len(list(root.iter(ns + "text"))) <= 2000
assert all(c >= " " or c == "\n" for e in root.iter(ns + "title") for c in e.text or "")
PYTHON
        done
    done
done
"$trender" --view spans -o server.svg server.cbor.zst
for words in 'left by an exception' 'without an end' 'Time in calls and scopes' '>request<' '3 times from'; do
    grep -q -- "$words" server.svg || fail "no '$words' in the picture"
done
"$trender" --view spans -o lanes.svg lanes.cbor.zst
grep -q 'the 24 of 61 names with most time' lanes.svg || fail "what is left out is not said"
"$trender" --view spans --height 500 -o low.svg lanes.cbor.zst
height=$(sed -n 's/.*<svg[^>]* height="\([0-9]*\).*/\1/p' low.svg | head -n 1)
[ "${height:-9999}" -le 520 ] || fail "--height 500: $height"

# Spans alone: nobody says that there is nothing.
"$trender" lanes.cbor.zst | grep -q ' 640 ms .* build$' || fail "no calls in the summary"
"$trender" -o lanes.svg lanes.cbor.zst
grep -q '>build<' lanes.svg || fail "no scopes in the report"
"$trender" --view timeline -o many.svg many.cbor.zst
grep -q 'function_[0-9]' many.svg || fail "no functions in the timeline"
run "$trender" --view top lanes.cbor.zst >none.txt 2>error.txt
expect "no samples" 4 $status
grep -q 'view spans' none.txt || fail "where the calls are is not said: $(cat none.txt)"
run "$trender" --view calls --filter "func == 'nobody'" demo.cbor.zst >none.txt 2>error.txt
expect "no such calls" 4 $status
grep -q 'The filter leaves no calls or scopes' none.txt || fail "$(cat none.txt)"
spans errors
"$trender" --view timeline --dump-scene errors.cbor.zst >errors.scene
expect "marks of exceptions" 11 "$(grep -c '"◥"' errors.scene)"
trace metrics
run "$trender" --view spans metrics.cbor.zst >none.txt 2>error.txt
expect "no spans" 4 $status

# Scopes, not calls, are below processes and charts, once on a report, and as high as there is room for.
for view in procs usage report; do
    "$trender" -q --view $view -o scopes.svg server.cbor.zst
    expect "scopes in $view" 1 "$(grep -c '>request</text>' scopes.svg)"
    ! grep -q '>loads</text>' scopes.svg || fail "a call among the scopes of $view"
    "$trender" -q --view $view -o none.svg metrics.cbor.zst
done
"$trender" -q --view procs --max-height 500 -o scopes.svg server.cbor.zst
! grep -q 'cut off' scopes.svg || fail "scopes are taller than there is room for"
