#!/bin/bash
# The report page: what the trace holds and nothing else, on one page.
. "$ROOT/tests/lib/trender.sh"
for shape in make threads many hostile metrics; do
    trace $shape
    "$trender" -q --dump-scene --view report $shape.cbor.zst >$shape.scene
done
"$BUILD/targets/gen_trace" --samples 200000 --threads 64 --symbols wide.cbor.zst >/dev/null
"$trender" -q --dump-scene --view report wide.cbor.zst >wide.scene
"$BUILD/targets/deep_trace" deep.cbor.zst
"$trender" -q --dump-scene --view report deep.cbor.zst >deep.scene

# has SHAPE WORDS... and lacks SHAPE WORDS...
has() { for words in "${@:2}"; do grep -q -- "$words" $1.scene || fail "$1 lacks '$words'"; done; }
lacks() { for words in "${@:2}"; do ! grep -q -- "$words" $1.scene || fail "$1 has '$words'"; done; }
has threads '"CPU"' '"memory"' 'group "thread 4101' '"All stacks on CPU' '"Busiest functions (self)"'
lacks threads '"peak memory"'
has make '"CPU"' '"peak memory"' '"All stacks on CPU' '"Busiest functions (self)"' 'ring overflow'
lacks make 'group "thread'
has many '"peak memory"' '+ 1.*processes'
lacks many '"All stacks on CPU' 'Busiest functions'
has metrics '"CPU"'
lacks metrics '"All stacks on CPU' 'group "thread'
has wide 'the 6 busiest of 64 threads' 'deeper functions are not drawn'

for shape in make threads many hostile metrics wide deep; do
    height=$(sed -n '1s/^scene [0-9]*x\([0-9]*\).*/\1/p' $shape.scene)
    [ "$height" -le 1600 ] || fail "$shape is $height px high"
    # Time goes from left to right only once: all that has time has the same ticks.
    expect "zeros on the time axis of $shape" 1 \
        "$(grep -c '^text muted [0-9.,]* middle [0-9]*px "0"' $shape.scene)"
done

# The picture is the same on a dark page but for its colours.
"$trender" -q --theme dark --dump-scene --view report threads.cbor.zst | cmp - threads.scene ||
    fail "the theme moves things"
# Without --view it is this page.
"$trender" -q -o report.svg threads.cbor.zst
"$trender" -q --view report -o same.svg threads.cbor.zst
cmp report.svg same.svg || fail "the default view is not the report"
# Narrow: nothing beyond the edge.
"$trender" -q --width 600 --dump-scene --view report threads.cbor.zst >narrow.scene
$python3 - narrow.scene <<'PYTHON'
import re, sys
for line in open(sys.argv[1], encoding="utf-8"):
    m = re.match(r'(?:item|rect|hatch) \S+ (-?[\d.]+),(-?[\d.]+) ([\d.]+)x', line)
    if m and "panel" not in line:
        assert float(m[1]) >= 0 and float(m[1]) + float(m[3]) <= 600.1, line
PYTHON
# Facts that do not fit into a line go on in the next; none is cut.
for name in threads hostile; do
    for width in 480 600 1200; do
        "$trender" -q --width $width --dump-scene --view report $name.cbor.zst >facts.scene
        ! grep -E '^text [a-z]+ 24\.0,.* start (12|10)px ".*(wall|whole|recorded).*…"' facts.scene ||
            fail "$name at $width px has lost a fact"
        grep -q 'CPU' facts.scene && grep -q ' lost"' facts.scene || fail "no facts in $name"
    done
done
