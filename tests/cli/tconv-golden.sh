#!/bin/bash
# The exact output of every format for a trace with every kind of record and hostile names.
. "$ROOT/tests/lib/tconv.sh"

for name in speedscope:.speedscope.json folded:.folded chrome-trace:.trace.json json:.jsonl; do
    option=--${name%%:*} extension=${name#*:}
    run "$tconv" "$option" tiny.cbor.zst
    expect "status of $option" 0 "$status"
    mv out "tiny$extension"
    same "tiny$extension" "tiny$extension"
    same "tiny$extension.stderr" err

    # -o with the extension alone writes the same, and nothing on stdout.
    run "$tconv" -q -o "by$extension" tiny.cbor.zst
    expect "status of -o by$extension" 0 "$status"
    [ ! -s out ] && [ ! -s err ] || fail "-q -o by$extension was not silent"
    cmp "tiny$extension" "by$extension"

    # No byte of a name reaches a terminal as a command.
    ! LC_ALL=C grep -q "$(printf '\033')" "tiny$extension" || fail "escape in tiny$extension"
    ! LC_ALL=C grep -q "$(printf '\033')" err || fail "escape in the messages"
    iconv -f UTF-8 -t UTF-8 "tiny$extension" >/dev/null || fail "tiny$extension is no UTF-8"
done
for weight in cpu offcpu wall; do
    "$tconv" -q --folded --weight "$weight" tiny.cbor.zst >out
    same "tiny.$weight.folded" out
done
"$tconv" -q --speedscope --weight wall tiny.cbor.zst >out
same tiny.wall.speedscope.json out
"$tconv" --list-formats >out
same list-formats out
