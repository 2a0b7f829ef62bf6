#!/bin/bash
# --follow: records as they come, from a file and from a pipe; an end when the trace has one, when
# somebody interrupts, or when the file is no longer what it was.
. "$ROOT/tests/lib/tconv.sh"
trender=$BUILD/trender

# A trace in three parts, each with whole chunks and the beginning of one.
place() { "$tconv" --diag tiny.cbor.zst | sed -n 's,^/ byte \([0-9]*\):.*,\1,p' | sed -n "$1p"; }
first=$(($(place 8) + 20)) second=$(($(place 14) + 5))
"$tconv" --json tiny.cbor.zst >wanted
head -c $first tiny.cbor.zst >1
head -c $second tiny.cbor.zst | tail -c +$((first + 1)) >2
tail -c +$((second + 1)) tiny.cbor.zst >3

# waits FILE LINES: until the file has so many lines.
waits() {
    for _ in $(seq 200); do
        [ "$(wc -l <"$1")" -ge "$2" ] && return
        sleep 0.1
    done
    fail "$1 has $(wc -l <"$1") lines only"
}
# ended PID: wait for it, and take its status.
ended() { status=0; wait "$1" || status=$?; }

: >growing.cbor.zst
"$tconv" --follow --json growing.cbor.zst >got 2>err & tail=$!
sleep 0.5
[ -s got ] && fail "records of an empty file"
cat 1 >>growing.cbor.zst
waits got 2
expect "the header" "$(head -n 1 wanted)" "$(head -n 1 got)"
part=$(wc -l <got)
cat 2 >>growing.cbor.zst
waits got $((part + 1))
kill -0 $tail || fail "it did not wait for the end"
cat 3 >>growing.cbor.zst
ended $tail
expect "status at the end" 0 "$status"
# Names of native frames come with their symbols, after the rows of the frames.
strip() { grep -v '"kind":"\(frame\|stack\|sample\|alloc\|free\|span\)"' "$1"; }
expect "lines" "$(wc -l <wanted)" "$(wc -l <got)"
diff <(strip wanted) <(strip got) >/dev/null || fail "other records than without --follow"
expect "frames" "$(grep -c '"kind":"frame"' wanted)" "$(grep -c '"kind":"frame"' got)"

mkfifo pipe
"$tconv" --follow --json - <pipe >got 2>err & tail=$!
{ cat 1; sleep 0.4; cat 2; waits got 2; cat 3; } >pipe
ended $tail
expect "status of a pipe" 0 "$status"
expect "lines of a pipe" "$(wc -l <wanted)" "$(wc -l <got)"

# A pipe that ends too early is a cut trace.
run "$tconv" --follow --json - < <(cat 1)
expect "status of a cut pipe" 3 "$status"
expect "lines about a cut pipe" 1 "$(grep -c 'cut before its end' err)"

# Interrupted: what was whole, and no complaint.
cat 1 >growing.cbor.zst
for signal in INT TERM; do
    "$tconv" --follow --json growing.cbor.zst >got 2>err & tail=$!
    waits got 2
    kill -$signal $tail
    ended $tail
    expect "status after SIG$signal" 0 "$status"
    grep -q '"kind":"end"' got || fail "no last line after SIG$signal"
    expect "messages after SIG$signal" "" "$(cat err)"
    "$trender" --follow --view summary growing.cbor.zst >got 2>err & tail=$!
    waits got 1
    kill -$signal $tail
    ended $tail
    expect "status of trender after SIG$signal" 0 "$status"
done

# Cut, or replaced by another.
for change in ": >growing.cbor.zst" "rm growing.cbor.zst" "mv 2 growing.cbor.zst"; do
    cat 1 >growing.cbor.zst
    "$tconv" --follow --json growing.cbor.zst >got 2>err & tail=$!
    waits got 2
    sleep 0.5
    eval "$change"
    ended $tail
    expect "status after $change" 3 "$status"
    grep -q 'no longer followed' err || fail "$change: not said: $(cat err)"
done

# What cannot be followed.
says 2 'json can be followed' "$tconv" --follow --folded tiny.cbor.zst
says 2 'standard output' "$tconv" --follow --json -o x.json tiny.cbor.zst
says 2 'select them afterwards' "$tconv" --follow --json --from 1s tiny.cbor.zst
says 1 'not a trace' "$tconv" --follow --json /etc/passwd
says 2 'one trace at a time' "$tconv" --follow --json tiny.cbor.zst tiny.cbor.zst

# trender: again and again as text, the last one as without --follow.
cat 1 >growing.cbor.zst
"$trender" --follow --view summary growing.cbor.zst >got 2>err & tail=$!
waits got 1
tail -c +$((first + 1)) tiny.cbor.zst >>growing.cbor.zst
ended $tail
expect "status of trender" 0 "$status"
"$trender" --view summary growing.cbor.zst >wanted
tail -n "$(wc -l <wanted)" got | cmp -s - wanted || fail "the last text is another"
grep -qx '' got || fail "no empty line between texts"

cat 1 >growing.cbor.zst
"$trender" --follow -o got.svg growing.cbor.zst 2>err & tail=$!
for _ in $(seq 100); do [ -s got.svg ] && break; sleep 0.1; done
[ -s got.svg ] || fail "no picture of what there was"
cp got.svg before.svg
tail -c +$((first + 1)) tiny.cbor.zst >>growing.cbor.zst
ended $tail
expect "status of a picture" 0 "$status"
"$trender" -o wanted.svg growing.cbor.zst 2>/dev/null
# Cairo counts its surfaces.
plain() { sed 's/surface[0-9]*/surface/g' "$1"; }
cmp -s <(plain got.svg) <(plain wanted.svg) || fail "the last picture is another"
[ "$(ls got.svg*)" = got.svg ] || fail "leftovers: $(ls got.svg*)"

cat tiny.cbor.zst | "$trender" --view summary - >wanted
cat tiny.cbor.zst | "$trender" --follow --view summary - >got
tail -n "$(wc -l <wanted)" got | cmp -s - wanted || fail "the text of a pipe is another"

# A recording while it is made.
"$BUILD/trec" -q -o live.cbor.zst -- sh -c 'sleep 0.6; sleep 0.6' & recorder=$!
for _ in $(seq 100); do [ -s live.cbor.zst ] && break; sleep 0.05; done
"$tconv" -q --follow --json live.cbor.zst >got
wait $recorder
"$tconv" -q --json live.cbor.zst >wanted
expect "lines of a recording" "$(wc -l <wanted)" "$(wc -l <got)"
