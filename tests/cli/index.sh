#!/bin/bash
# With an index, all outputs are what they are without it, and chunks outside of the window are not
# even looked at. An index that does not fit the file does no harm.
. "$ROOT/tests/lib/tconv.sh"
python=/usr/bin/python3
trender=$BUILD/trender

"$BUILD/targets/gen_trace" --samples 200000 --stacks 900 --depth 9 --functions 90 --threads 3 \
    --processes 2 --metrics 20 --symbols plain.cbor.zst >/dev/null
"$tconv" -q --trace -o with.cbor.zst plain.cbor.zst
$python "$ROOT/tests/lib/strip_index.py" with.cbor.zst without.cbor.zst >frames
[ "$(wc -l <frames)" -gt 20 ] || fail "only $(wc -l <frames) frames"
zstd -qt with.cbor.zst
zstd -l with.cbor.zst >list
expect "the frames of zstd, skippable ones too" "$(awk 'NR == 2 { print $1 }' list)" "$(($(wc -l <frames) + 1))"
"$tconv" --check with.cbor.zst | grep -q 'good: .*, with an index$' || fail "the index is not good"
"$tconv" --check without.cbor.zst | grep -q 'good: .*of tables$' || fail "it was not stripped"

# compare OPTIONS...: equal with and without index.
compare() {
    run "$tconv" "$@" with.cbor.zst
    mv out with.out; sed 's/with\.cbor/X/' err >with.err; with=$status
    run "$tconv" "$@" without.cbor.zst
    cmp -s out with.out || fail "tconv $*: the index makes a difference"
    sed 's/without\.cbor/X/' err | cmp -s - with.err || fail "tconv $*: other messages"
    expect "status of tconv $*" "$with" "$status"
}
for format in $(formats | grep -v sqlite); do
    for range in "" "--from 20s --to 21s" "--from 60s" "--to 500ms"; do
        # shellcheck disable=SC2086
        compare --$format $range
    done
done
compare --csv --table samples --from 20s --to 20.5s --pid 1000
for view in summary top tree procs usage timeline; do
    for range in "" "--from 20s --to 21s" "--from 60s"; do
        # shellcheck disable=SC2086
        "$trender" --view $view $range with.cbor.zst 2>&1 | sed 's/with\.cbor/X/' >with.out
        # shellcheck disable=SC2086
        "$trender" --view $view $range without.cbor.zst 2>&1 | sed 's/without\.cbor/X/' >out
        cmp -s out with.out || fail "trender --view $view $range: the index makes a difference"
    done
done

# A byte in the middle of the last big chunk but one: far after the first second.
at=$(awk '$3 > 20000 { before = last; last = $1 + int($2 / 2) } END { print before }' frames)
for trace in with without; do
    cp $trace.cbor.zst hurt.$trace.cbor.zst
    printf 'X' | dd of=hurt.$trace.cbor.zst bs=1 seek="$at" conv=notrunc status=none
done
"$tconv" -q --json --from 0s --to 1s with.cbor.zst >wanted
run "$tconv" -q --json --from 0s --to 1s hurt.with.cbor.zst
expect "status of a window away from damage" 0 "$status"
cmp -s <(head -n -1 wanted) <(head -n -1 out) || fail "a window away from damage"
run "$tconv" -q --json --from 0s --to 1s hurt.without.cbor.zst
expect "status without index" 3 "$status"
for trace in with without; do
    run "$tconv" -q --folded hurt.$trace.cbor.zst
    expect "status of the whole, $trace index" 3 "$status"
    mv out $trace.out
done
cmp -s with.out without.out || fail "of damaged samples the index makes a difference"

# Cut, or with something behind: as if there were none.
tail -c 100 with.cbor.zst >tail
for tail in /dev/null tiny.cbor.zst tail; do
    cat without.cbor.zst $tail >changed.cbor.zst
    "$tconv" -q --folded changed.cbor.zst >wanted || true
    cat with.cbor.zst $tail >changed.cbor.zst
    run "$tconv" -q --folded changed.cbor.zst
    cmp -s out wanted || fail "with $tail: other stacks"
done
"$tconv" -q --folded without.cbor.zst >wanted
head -c -1 with.cbor.zst >changed.cbor.zst
run "$tconv" -q --folded changed.cbor.zst
cmp -s out wanted || fail "cut: other stacks"
run "$tconv" -q --folded <with.cbor.zst
cmp -s out wanted || fail "from a redirected file"
run "$tconv" -q --folded < <(cat with.cbor.zst)
cmp -s out wanted || fail "from a pipe"

# A short recording gets none.
"$BUILD/trec" -q -o short.cbor.zst true
"$tconv" --check short.cbor.zst | grep -q 'tables$' || fail "a short recording is not good"

# Calls and scopes: a window cuts them.
"$BUILD/targets/spans_trace" many spans.cbor.zst >/dev/null
"$tconv" -q --trace -o with.cbor.zst spans.cbor.zst
$python "$ROOT/tests/lib/strip_index.py" with.cbor.zst without.cbor.zst >frames
for range in "" "--from 10ms --to 30ms"; do
    for format in json chrome-trace perfetto trace; do
        # shellcheck disable=SC2086
        compare --$format $range
    done
    for view in spans calls; do
        # shellcheck disable=SC2086
        cmp -s <("$trender" --view $view $range with.cbor.zst 2>&1 | sed 's/with\.cbor/X/') \
            <("$trender" --view $view $range without.cbor.zst 2>&1 | sed 's/without\.cbor/X/') ||
            fail "trender --view $view $range: the index makes a difference"
    done
done
