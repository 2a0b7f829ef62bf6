#!/bin/bash
# docs/examples/read_trace.py, the reader of some 20 lines, counts what tconv counts.
. "$ROOT/tests/lib/tconv.sh"
python=/usr/bin/python3
$python -c 'import cbor2, zstandard' 2>/dev/null || { echo "no python3-cbor2 or -zstandard"; exit 77; }

"$BUILD/targets/gen_trace" --samples 60000 --stacks 300 --depth 9 --functions 90 --threads 3 \
    --symbols plain.cbor.zst >/dev/null
"$tconv" -q --trace -o with-index.cbor.zst plain.cbor.zst
for trace in plain with-index; do
    $python "$ROOT/docs/examples/read_trace.py" $trace.cbor.zst >read
    "$tconv" -q --folded --weight samples --native-frames $trace.cbor.zst |
        sed 's/^.*;//' | awk '{ n = $NF; sub(/ [0-9]*$/, ""); sum[$0] += n }
            END { for (name in sum) print sum[name], name }' >wanted
    diff <(sort read) <(sort wanted) || fail "$trace: other counts"
    expect "samples of $trace" 60000 "$(awk '{ n += $1 } END { print n }' read)"
done
expect "lines of code" 23 "$(grep -cvE '^\s*$|^import|^"""|^#!' "$ROOT/docs/examples/read_trace.py")"
$python "$ROOT/docs/examples/read_trace.py" tiny.cbor.zst | grep -q work || fail "a trace of everything"
