#!/bin/bash
# Wrong use gets one line that helps, status 2; a bad input or output status 1.
. "$ROOT/tests/lib/tconv.sh"

says 2 'which format.*--folded (.folded).*--speedscope' "$tconv" tiny.cbor.zst
says 2 "'x.json' does not tell the format.*--chrome-trace (.trace.json), .*--json (.jsonl)" \
    "$tconv" -o x.json tiny.cbor.zst
says 2 "'x.txt' does not tell the format" "$tconv" -o x.txt tiny.cbor.zst
says 2 '--folded and --json: one format' "$tconv" --json --folded tiny.cbor.zst
says 2 'did you mean --speedscope' "$tconv" --speedscoop tiny.cbor.zst
says 2 'no such weight: samples, cpu, offcpu or wall' "$tconv" --folded --weight time tiny.cbor.zst
says 2 'list of process numbers' "$tconv" --json --pid 1,x tiny.cbor.zst
says 2 'list of process numbers' "$tconv" --json --pid 1, tiny.cbor.zst
says 2 'a time such as' "$tconv" --json --from soon tiny.cbor.zst
says 2 'before --to' "$tconv" --json --from 2s --to 1s tiny.cbor.zst
says 1 'cannot open b: ' "$tconv" --json tiny.cbor.zst b
[ ! -e x.json ] && [ ! -e x.txt ] || fail "an output was made in spite of wrong use"

echo old >kept.folded
says 1 'no-such-file' "$tconv" -o kept.folded no-such-file
: >empty
says 1 'empty' "$tconv" -o kept.folded empty
echo 'not a trace' >foreign
says 1 'foreign' "$tconv" -o kept.folded foreign
expect "a file whose replacement failed" old "$(cat kept.folded)"
says 1 'no/such/folder' "$tconv" -o no/such/folder/x.folded tiny.cbor.zst
for format in $(formats); do
    status=0
    "$tconv" -q --$format tiny.cbor.zst >/dev/full 2>err || status=$?
    expect "status of --$format to a full disk" 1 "$status"
    grep -q 'No space left' err || fail "a full disk is not said: $(cat err)"
done
expect "what is left over" 0 "$(find . -name '*.tmp*' -o -name '.*.folded*' | wc -l)"

says 1 'temporary files in /no/such: .*TMPDIR' env TMPDIR=/no/such "$tconv" -o x.sqlite tiny.cbor.zst

# Whoever is killed while it writes leaves nothing behind, where files may be without names.
if /usr/bin/python3 -c 'import os; os.open(".", os.O_TMPFILE | os.O_WRONLY)' 2>/dev/null; then
    status=0
    (ulimit -c 0 -f 1; exec "$tconv" -q --json -o killed.jsonl tiny.cbor.zst) 2>/dev/null || status=$?
    expect "status when killed by SIGXFSZ" 153 "$status"
    expect "what was killed left" "" "$(find . -name 'killed*')"
fi

run "$tconv" --version
expect "status of --version" 0 "$status"
grep -q '^tconv [0-9]' out || fail "--version says $(cat out)"
run "$tconv" --help
expect "status of --help" 0 "$status"

# Two traces in one file are read as one, what both have once.
"$BUILD/targets/tiny_trace" one.cbor.zst
cat one.cbor.zst one.cbor.zst >two.cbor.zst
"$tconv" --folded one.cbor.zst >one.folded 2>/dev/null
"$tconv" --folded two.cbor.zst >two.folded 2>/dev/null
cmp one.folded two.folded
