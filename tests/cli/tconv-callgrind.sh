#!/bin/bash
# callgrind_annotate opens our profiles; own and inclusive costs are those of --json, also where
# functions call themselves and one another.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    generated.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 5000 --stacks 300 --depth 20 --functions 12 \
    recursive.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait'

for trace in tiny empty generated recursive real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    "$tconv" -q -o $trace.callgrind $trace.cbor.zst
    for weight in samples offcpu wall; do
        "$tconv" -q --callgrind --weight $weight $trace.cbor.zst >$trace.$weight.callgrind
    done
done
expect "columns, the weight asked for first" "events: Wall_ns Cpu_ns Offcpu_ns Samples" \
    "$(grep ^events: tiny.wall.callgrind)"
expect "columns, the weight asked for first" "events: Samples Cpu_ns Offcpu_ns" \
    "$(grep ^events: tiny.samples.callgrind)"
expect "totals of nothing" "totals: 0 0 0" "$(tail -n 1 empty.callgrind)"
! LC_ALL=C grep -q "$(printf '\033')" tiny.callgrind || fail "escape in tiny.callgrind"
iconv -f UTF-8 -t UTF-8 tiny.callgrind >/dev/null || fail "tiny.callgrind is no UTF-8"

# Every text is written once.
/usr/bin/python3 - <<'PYTHON'
import collections, re
for trace in "tiny", "generated", "real":
    texts = collections.Counter()
    for line in open(trace + ".callgrind"):
        row = re.match(r"c?(ob|f[inl]|fn)=\((\d+)\)( .*)?\n", line)
        if row:
            kind = {"fi": "fl"}.get(row[1], row[1])
            texts[kind, row[2]] += row[3] is not None
    assert set(texts.values()) <= {1}, texts
PYTHON

command -v callgrind_annotate >/dev/null ||
    { echo "no valgrind here: profiles were not opened by callgrind_annotate"; exit 77; }
for trace in tiny generated recursive real; do
    for inclusive in no yes; do
        callgrind_annotate --auto=no --threshold=100 --inclusive=$inclusive \
            $trace.wall.callgrind >$trace.$inclusive.txt 2>$trace.err
        [ ! -s $trace.err ] || fail "callgrind_annotate: $(cat $trace.err)"
    done
done

/usr/bin/python3 - <<'PYTHON'
import collections, os, re, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import trace_rows

COLUMNS = "wall", "cpu", "offcpu", "samples"

def annotated(path):
    """Totals, and the values by function."""
    found = collections.defaultdict(lambda: [0] * len(COLUMNS))
    for line in open(path):
        row = re.match(r" *" + r"([\d,]+)(?: \([ \d.]+%\))? +" * len(COLUMNS) + r"(.*)\n", line)
        if not row:
            continue
        values = [int(value.replace(",", "")) for value in row.groups()[:-1]]
        if row[len(COLUMNS) + 1] == "PROGRAM TOTALS":
            totals = values
        elif not row[len(COLUMNS) + 1].startswith("[process]:"):
            name = re.fullmatch(r".*?(?<!:):(?!:)(.*) \[.*?\]", row[len(COLUMNS) + 1])[1]
            name = name.removesuffix(" [[kernel")
            found[name] = [a + b for a, b in zip(found[name], values)]
    return totals, {name: values for name, values in found.items() if any(values)}

for trace in "tiny", "generated", "recursive", "real":
    samples = trace_rows.samples(trace_rows.load(trace + ".jsonl"))
    own, inclusive = (collections.defaultdict(lambda: [0] * len(COLUMNS)) for _ in range(2))
    for sample in samples:
        values = [sample["weights"][weight] for weight in COLUMNS]
        for table, names in (own, sample["frames"][-1:]), (inclusive, set(sample["frames"])):
            for name in names:
                table[name] = [a + b for a, b in zip(table[name], values)]
    totals = [trace_rows.totals(samples)[weight] for weight in COLUMNS]
    if not samples:
        continue
    found_totals, found = annotated(trace + ".no.txt")
    assert found_totals == totals, (trace, found_totals, totals)
    assert found == {name: v for name, v in own.items() if any(v)}, (trace, "own")
    found_totals, found = annotated(trace + ".yes.txt")
    assert found_totals == totals
    if trace != "real":  # (where one name may stand for several functions)
        assert found == {name: v for name, v in inclusive.items() if any(v)}, (trace, "inclusive")
    assert all(a >= b for name in inclusive for a, b in zip(found[name], inclusive[name]))
PYTHON
