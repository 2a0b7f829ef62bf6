#!/bin/bash
# Waits of a program that says what it waits for, built in every way that matters for its stacks.
. "$ROOT/tests/lib/trec.sh"
need_stacks
source=$ROOT/tests/targets/waits.c

# check NAME COMMAND...: of ./waits, recorded by COMMAND
check() {
    local name=$1
    shift
    "$@" -q -o "$name.cbor.zst" -- ./waits >truth
    "$tconv" -q --json "$name.cbor.zst" >"$name.json"
    echo "$name:"
    /usr/bin/python3 "$ROOT/tests/lib/check_waits.py" "$name.json" truth ||
        fail "$name: the trace does not say what the program waited for"
}

cc_target -o waits "$source"
check plain "$trec"
cc_target -fno-omit-frame-pointer -o waits "$source"
check framepointers "$trec"
cc_target -O0 -fno-omit-frame-pointer -o waits "$source"
check unoptimized "$trec"
cc_target -static -o waits "$source"
check static "$trec"

# Without stacks of waits they keep their times.
"$trec" -q --no-offcpu -o none.cbor.zst -- ./waits >truth
"$tconv" -q --json none.cbor.zst | grep '"state":"blocked"' >blocked
grep -q '"stack_id"' blocked && fail "stacks of waits with --no-offcpu"
[ "$(wc -l <blocked)" -ge 20 ] || fail "waits are missing with --no-offcpu"

# An ordinary user reads its own programs' waits as well.
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && id nobody >/dev/null 2>&1 ||
    { echo "SKIP: needs root to become an ordinary user"; exit 77; }
chmod 777 "$PWD"
cp "$trec" trec
as_nobody() { setpriv --reuid nobody --clear-groups ./trec "$@"; }
as_nobody -q -o can.cbor.zst true 2>/dev/null ||
    { echo "SKIP: an ordinary user cannot run programs here"; exit 77; }
cc_target -fno-omit-frame-pointer -o waits "$source"
check nobody as_nobody
