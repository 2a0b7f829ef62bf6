#!/bin/bash
# The views top and tree: sums are those of the stacks, recursion counts once, rows are as many as
# asked for, own code is marked, source text comes from files that are as old as the recording.
. "$ROOT/tests/lib/trender.sh"
tconv=$BUILD/tconv
mkdir app
"$BUILD/targets/python_trace" t.cbor.zst "$PWD/app"
export COLUMNS=200

cat >check.py <<'PYTHON'
"""The rows of `top` against sums of the folded stacks."""
import collections, re, subprocess, sys
trender, tconv, weight, sort = sys.argv[1:]
units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
own, total, whole = collections.Counter(), collections.Counter(), 0
folded = subprocess.run([tconv, "-q", "--folded", "--weight", weight, "t.cbor.zst"],
                        check=True, capture_output=True, text=True).stdout
for line in folded.splitlines():
    stack, n = line.rsplit(" ", 1)
    frames = [re.sub(r" \((.*?):\d+\)$", r"@\1", f).removesuffix("_[k]") for f in stack.split(";")[1:]]
    whole += int(n)
    own[frames[-1]] += int(n)
    for frame in set(frames):
        total[frame] += int(n)
text = subprocess.run([trender, "--view", "top", "--top", "1000", "--sort", sort, "--weight", weight,
                       "t.cbor.zst"], check=True, capture_output=True, text=True).stdout
rows = collections.defaultdict(lambda: [0, 0])
order = []
for line in text.splitlines():
    m = re.match(r" *(?:([\d.]+) %)? +([\d.]+) (ns|µs|ms|s) +([\d.]+) %  (.*?)(?:  +(\S+?)(?::\d+)?(?:  .*)?)?$", line)
    if not m:
        continue
    share, number, unit, total_share, name, place = m.groups()
    if name + "@" + str(place) in own or name + "@" + str(place) in total:
        name += "@" + place
    amount = float(number) * units[unit]
    rows[name][0] += amount
    rows[name][1] += float(total_share)
    order.append(amount)
assert order == sorted(order, reverse=True), order
wanted = own if sort == "self" else total
assert set(rows) == set(wanted), (set(rows) ^ set(wanted))
for name, amount in wanted.items():
    assert abs(rows[name][0] - amount) <= 0.006 * amount, (name, rows[name], amount)
    assert abs(rows[name][1] - 100 * total[name] / whole) <= 0.11, (name, rows[name])
PYTHON
for weight in cpu wall; do
    for sort in self total; do
        $python3 check.py "$trender" "$tconv" $weight $sort || fail "top --weight $weight --sort $sort"
    done
done

# Exactly as many rows as asked for; recursion of depth 30 counts once.
for n in 1 5 12; do
    "$trender" --view top --top $n t.cbor.zst >top.txt
    expect "rows of --top $n" $n "$(grep -c '^ *[0-9.]* %.*%  ' top.txt)"
done
expect "fib" "20.0 % 20.0 %" "$("$trender" --view top t.cbor.zst | sed -n 's/^ *\([0-9.]* %\).* \([0-9.]* %\)  fib .*/\1 \2/p')"

# Whatever rows stand for, they add up to everything.
for by in function line file module thread process; do
    "$trender" --view top --by $by --top 1000 t.cbor.zst | $python3 -c "
import re, sys
shares = [float(m[1]) for m in (re.match(r' *([\d.]+) % ', line) for line in sys.stdin) if m]
assert shares and abs(sum(shares) - 100) < 0.05 * len(shares) + 0.01, shares" || fail "--by $by"
done
"$trender" --view top --by module t.cbor.zst >module.txt
grep -q '%  json$' module.txt || fail "no package: $(cat module.txt)"
"$trender" --view top --by thread t.cbor.zst | grep -q 'worker (4001)  *python3 (4000)' || fail "no thread"

# Own is what lies in the recorded folder, or is said to be; never the library or a package.
marked() { "$trender" --view top --top 1000 --sort total "$@" t.cbor.zst | sed -n 's/.*%  \(.*[^ ]\)  *<====$/\1/p' | sed 's/ .*//' | sort -u | xargs; }
expect "own code" "<lambda> <module> Parser.parse compress fib main view worker" "$(marked)"
expect "--own" "Flask.wsgi_app" "$(marked --own /usr/lib/python3/dist-packages/flask)"

# Source text: not of a file that has changed since, nor of a FIFO, nor of a line that is not there.
seq -f '    line_%g()' 1 12 >app/app.py
run "$trender" --view top --by line t.cbor.zst >top.txt
grep -q 'line_' top.txt && fail "text of a file that is newer than the recording"
grep -qE '[0-9]+ source files? ha(s|ve) changed since' top.txt || fail "nothing is said of the newer file"
touch -d 2025-06-01 app/app.py
"$trender" --view top --by line t.cbor.zst >top.txt
grep -q 'compress .* app.py:8 *line_8()  *<====$' top.txt || fail "no source text: $(cat top.txt)"
"$trender" --view tree t.cbor.zst | grep -q 'compress .* app.py:8 *line_8()  *<====$' || fail "no source text in the tree"
COLUMNS=80 "$trender" --view top --by line t.cbor.zst | grep -q line_ && fail "no room for source text"
mkfifo app/helper.py
rm app/app.py && ln -s /dev/zero app/app.py
timeout 20 "$trender" --view top t.cbor.zst >top.txt || fail "a FIFO and a device as source"

# The tree: shares of children are within those of their callers, small branches are summed.
for min in 0 1 10; do
    "$trender" --view tree --min $min% t.cbor.zst >tree-$min.txt
    expect "the whole" "100 %" "$(sed -n 's/^ *\(100 %\)  *1 s  *all$/\1/p' tree-$min.txt)"
done
grep -q 'Py_Initialize' tree-1.txt || fail "a branch of 2 % is missing"
grep -q 'Py_Initialize' tree-10.txt && fail "a branch of 2 % above --min 10%"
grep -q '20.0 %.*… 4 more' tree-10.txt || fail "small branches are not summed: $(cat tree-10.txt)"
grep -q '⋮ 28 times itself' tree-1.txt || fail "recursion is not folded"
for view in top tree; do
    for columns in 60 80 132; do
        COLUMNS=$columns "$trender" --view $view t.cbor.zst | $python3 -c "
import sys
for line in sys.stdin:
    line = line.rstrip('\n')
    assert len(line) <= $columns and line == line.rstrip(), (len(line), line)" || fail "$view in $columns columns"
    done
done

# Interpreter frames: hidden unless asked for, with the same totals.
"$trender" --view tree t.cbor.zst | grep -q _PyEval && fail "the interpreter is not hidden"
"$trender" --view tree --native-frames t.cbor.zst | grep -q _PyEval || fail "--native-frames shows nothing"
for weight in samples cpu offcpu wall; do
    sum() { "$tconv" -q --folded --weight $weight "$@" t.cbor.zst | awk '{ s += $NF } END { print s }'; }
    expect "$weight with native frames" "$(sum)" "$(sum --native-frames)"
done
for format in folded speedscope firefox callgrind perfetto perf-script; do
    "$tconv" -q --$format -o hidden.out t.cbor.zst
    "$tconv" -q --$format --native-frames -o shown.out t.cbor.zst
    count() { { gzip -dcq "$1" 2>/dev/null || cat "$1"; } | grep -ac _PyEval || true; }
    expect "$format hides the interpreter" 0 "$(count hidden.out)"
    [ "$(count shown.out)" -gt 0 ] || fail "$format --native-frames"
done
"$tconv" -q --json t.cbor.zst | grep -q _PyEval || fail "json has everything"

# Wrong use.
run "$trender" --view top --by functoin t.cbor.zst 2>error.txt
expect "unknown --by" 2 $status
grep -q 'did you mean function' error.txt || fail "$(cat error.txt)"
for wrong in "--view tree --by thread" "--view top --sort time" "--view tree --min 200%" "--view tree --min x" "--top 0"; do
    run "$trender" $wrong t.cbor.zst 2>error.txt
    expect "$wrong" 2 $status
    [ "$(wc -l <error.txt)" = 1 ] || fail "$wrong: $(cat error.txt)"
done
run "$trender" -o x.svg --view top t.cbor.zst 2>error.txt
expect "a picture of top" 2 $status

# Any trace.
for shape in make threads waits wide hostile metrics nonsense; do
    trace $shape
    for view in top tree; do
        run "$trender" -q --view $view --min 0 --weight wall $shape.cbor.zst >text.txt
        [ $status = 0 ] || [ $status = 4 ] || fail "$view of $shape: $status"
        LC_ALL=C grep -q '[[:cntrl:]]' text.txt && fail "$view of $shape has control characters"
    done
done
"$BUILD/targets/deep_trace" deep.cbor.zst
"$trender" --view tree --min 0 deep.cbor.zst >tree.txt
"$trender" --view top deep.cbor.zst >top.txt
