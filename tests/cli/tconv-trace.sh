#!/bin/bash
# --trace writes the same records with the same ids; a part of a trace has the totals of that part;
# what was readable of a damaged trace becomes a whole one.
. "$ROOT/tests/lib/tconv.sh"

# All rows and records, without the order between their kinds.
rows() { "$BUILD/targets/dump_trace" "$1" | sort; }

"$BUILD/targets/gen_trace" --symbols --samples 20000 --threads 5 --processes 2 --metrics 50 \
    big.cbor.zst
for trace in tiny big; do
    for level in 1 19; do
        "$tconv" -q --trace --level $level -o "$trace.$level.cbor.zst" "$trace.cbor.zst"
        cmp <(rows "$trace.cbor.zst") <(rows "$trace.$level.cbor.zst") ||
            fail "$trace at level $level has other records"
        cmp <("$tconv" -q --json "$trace.cbor.zst" | head -1) \
            <("$tconv" -q --json "$trace.$level.cbor.zst" | head -1) || fail "another header"
    done
done
[ "$(stat -c %s big.19.cbor.zst)" -lt "$(stat -c %s big.1.cbor.zst)" ] || fail "level 19 is no smaller"

# Parts: the same as the part of the whole, in every way of looking at it.
part() {
    "$tconv" -q --trace "$@" -o part.cbor.zst big.cbor.zst
    for format in folded callgrind; do
        cmp <("$tconv" -q --$format "$@" big.cbor.zst) <("$tconv" -q --$format part.cbor.zst) ||
            fail "--$format of the part $* differs"
    done
    [ -s part.cbor.zst ]
}
pid=$("$tconv" -q --json big.cbor.zst | sed -n 's/^{"kind":"process","id":2,"pid":\([0-9]*\).*/\1/p')
part --from 1 --to 2
part --pid "$pid"
part --pid "$pid" --to 1500ms
"$tconv" -q --trace --from 4ms --to 5ms -o part.cbor.zst tiny.cbor.zst
expect "spans of a part" "end end" "$("$tconv" -q --json part.cbor.zst |
    sed -n 's/.*"kind":"span".*"phase":"\([a-z]*\)".*/\1/p' | paste -sd' ')"
expect "span of the argument" 1 "$("$tconv" -q --json part.cbor.zst |
    sed -n 's/.*"kind":"arg","span":\([0-9]*\).*/\1/p')"

# Over itself, through pipes, and to a terminal never.
cp tiny.cbor.zst self.cbor.zst
"$tconv" -q -o self.cbor.zst self.cbor.zst
cmp <(rows tiny.cbor.zst) <(rows self.cbor.zst)
cmp <(rows tiny.cbor.zst) <("$tconv" -q --trace <tiny.cbor.zst | cat >piped && rows piped)
says 2 'level' "$tconv" --trace --level 20 tiny.cbor.zst

# Damaged: status 3, and a whole trace of all that was readable.
/usr/bin/python3 - <<'PYTHON'
import random
for seed in range(12):
    data = bytearray(open("big.cbor.zst", "rb").read())
    random.seed(seed)
    for _ in range(6):
        data[random.randrange(2000, len(data))] ^= 0x55
    open(f"bad{seed}.cbor.zst", "wb").write(data[:len(data) - seed * 999])
PYTHON
for seed in 0 1 2 3 4 5 6 7 8 9 10 11; do
    run "$tconv" -q --trace -o whole.cbor.zst "bad$seed.cbor.zst"
    expect "status of the damaged trace $seed" 3 "$status"
    run "$tconv" -q --folded "bad$seed.cbor.zst"
    expect "status of the damaged trace $seed, folded" 3 "$status"
    "$tconv" -q --folded whole.cbor.zst >found || fail "damaged trace $seed: the new trace is not whole"
    cmp out found || fail "damaged trace $seed: other stacks"
done

# Every file of the corpus: what is readable of it, as a trace, as JSON, and as a trace of that JSON.
for trace in "$ROOT"/tests/corpus/*.cbor.zst; do
    run "$tconv" -q --trace -o first.cbor.zst "$trace"
    case "$status $trace" in
    1*bad-foreign-* | 1*unsupported-*) continue ;;
    0* | 3*) ;;
    *) fail "status of --trace of $trace: $status: $(cat err)" ;;
    esac
    "$tconv" -q --json first.cbor.zst >first.jsonl || fail "$trace: the new trace is not whole"
    "$tconv" -q --trace -o second.cbor.zst first.jsonl || fail "$trace: not readable from --json"
    cmp <(rows first.cbor.zst) <(rows second.cbor.zst) || fail "$trace: other records after --json"
    # 3: a million equal rows make a trace that readers take for hostile again.
    run "$tconv" -q --json "$trace"
    "$tconv" -q --trace -o third.cbor.zst --from-format json out || [ $? = 3 ] ||
        fail "$trace: --json is not readable"
done
