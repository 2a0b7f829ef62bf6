#!/bin/bash
# Readers made of other people's CBOR and zstd libraries get the numbers that ours gets.
set -eu
export LC_ALL=C
cd "$SCRATCH"

"$BUILD/targets/gen_trace" --samples 40000 --stacks 300 --depth 9 --functions 90 --threads 3 \
    --processes 2 --metrics 20 --symbols big.cbor.zst >/dev/null
"$BUILD/targets/tiny_trace" tiny.cbor.zst
"$BUILD/tconv" -q --trace -o index.cbor.zst big.cbor.zst
"$BUILD/tconv" --check index.cbor.zst | grep -q 'with an index'
for trace in tiny big index; do
    "$BUILD/targets/sum_trace" $trace.cbor.zst | sort >$trace.ours
    [ -s $trace.ours ]
done
[ "$(awk '$1 == "sample" && $2 == "rows" { print $3 }' big.ours)" = 40000 ]

python=/usr/bin/python3
$python -c 'import cbor2, zstandard' 2>/dev/null || { echo "no python3-cbor2 or -zstandard"; exit 77; }
for trace in tiny big index; do
    $python "$ROOT/tests/lib/generic_reader.py" $trace.cbor.zst | sort >$trace.python
    diff $trace.ours $trace.python
done

modules=$ROOT/build/npm/node_modules
if [ ! -d "$modules/cbor-x" ]; then
    mkdir -p "$ROOT/build/npm"
    npm install --silent --no-fund --no-audit --prefix "$ROOT/build/npm" cbor-x@1.6.8 cddl@0.21.2 \
        >npm.log 2>&1 || { echo "python3-cbor2 agrees; npm cannot be reached for cbor-x"; exit 77; }
fi
for trace in tiny big index; do
    zstd -dc $trace.cbor.zst | node "$ROOT/tests/lib/generic_reader.mjs" "$modules" | sort >$trace.node
    diff $trace.ours $trace.node
done
if [ -x "$modules/.bin/cddl" ]; then
    "$modules/.bin/cddl" validate "$ROOT/docs/tracefmt.cddl" >cddl.log 2>&1 || { cat cddl.log; exit 1; }
fi
echo "python3-cbor2 and cbor-x agree with libtracefmt"
