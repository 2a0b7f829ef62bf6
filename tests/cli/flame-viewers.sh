#!/bin/bash
# Flame graph programs of others take the folded stacks and the perf script text, and find the same
# total: inferno and FlameGraph, where they are installed.
. "$ROOT/tests/lib/tconv.sh"

PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 generated.cbor.zst
opened=0

# total FILE: the number of samples that the root of an SVG says.
total() { sed -n 's/.*<title>all (\([0-9,]*\) samples.*/\1/p' "$1" | tr -d , | head -n 1; }

for viewer in inferno-flamegraph flamegraph.pl; do
    command -v $viewer >/dev/null || { echo "SKIPPED: no $viewer here"; continue; }
    opened=$((opened + 1))
    for weight in samples cpu wall; do
        for trace in tiny generated; do
            "$tconv" -q --folded --weight $weight $trace.cbor.zst >$trace.folded
            wanted=$(awk '{n += $NF} END {printf "%.0f", n}' $trace.folded)
            $viewer <$trace.folded >$trace.svg 2>$trace.log || { cat $trace.log; fail "$viewer: $trace, $weight"; }
            expect "total of $trace by $viewer in $weight" "$wanted" "$(total $trace.svg)"
        done
    done
done
for reader in inferno-collapse-perf stackcollapse-perf.pl; do
    command -v $reader >/dev/null || { echo "SKIPPED: no $reader here"; continue; }
    opened=$((opened + 1))
    "$tconv" -q --perf-script --weight samples generated.cbor.zst >generated.perf
    $reader <generated.perf >collapsed 2>/dev/null || fail "$reader"
    expect "samples by $reader" 20000 "$(awk '{n += $NF} END {print n}' collapsed)"
done
[ $opened -gt 0 ] || exit 77
