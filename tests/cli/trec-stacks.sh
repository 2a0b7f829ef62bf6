#!/bin/bash
# Shares and frames of programs whose stacks are known, built in every way that a loader knows.
. "$ROOT/tests/lib/trec.sh"
need_stacks
source=$ROOT/tests/targets/shares.c

# check NAME ROOTS COMMAND...
check() {
    local name=$1 roots=$2
    shift 2
    "$trec" -q -o "$name.cbor.zst" -- "$@" >truth
    "$tconv" -q --folded "$name.cbor.zst" >"$name.folded"
    echo "$name:"
    # shellcheck disable=SC2086
    /usr/bin/python3 "$ROOT/tests/lib/check_shares.py" "$name.folded" $roots
    # CPU time as the program saw it against the sum of the samples' weights.
    local sum
    sum=$("$tconv" -q --folded --weight cpu "$name.cbor.zst" | awk '{ s += $NF } END { printf "%.0f", s }')
    awk -v sum="$sum" -v cpu="$(awk '{ print $2 }' truth)" \
        'BEGIN { exit !(sum > 0.95 * cpu && sum < 1.05 * cpu) }' ||
        fail "$name: samples stand for $sum ns, the program used $(cat truth)"
}

cc_target -o pie "$source"
check pie _start ./pie 2
check thread "clone3 __clone3 _start" ./pie 2 thread
check signal _start ./pie 2 signal
cc_target -no-pie -o nopie "$source"
check nopie _start ./nopie 2
cc_target -static -o static "$source"
check static _start ./static 2
cc_target -static-pie -o staticpie "$source"
check staticpie _start ./staticpie 2
cc_target -shared -fPIC -DLIBRARY -o libshares.so "$source"
cc_target -DWITH_LIBRARY -o shared "$source" -L. -lshares -Wl,-rpath,"$PWD"
check shared _start ./shared 2
cc_target -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -o framepointers "$source"
check framepointers _start ./framepointers 2

# Deleted while it runs: it keeps its own names.
cp pie gone
"$trec" -q -o gone.cbor.zst -- sh -c './gone 1 & sleep 0.3; rm gone; wait' >/dev/null
"$tconv" -q --folded gone.cbor.zst | grep -q '_start;.*main;chain_5;chain_4;.*;alpha ' ||
    fail "a deleted binary lost its names"

# Without symbols: whole functions still, under the file's name and the place where they begin.
strip -s -o stripped pie
"$trec" -q -o stripped.cbor.zst -- ./stripped 1 >/dev/null
"$tconv" -q --folded stripped.cbor.zst >stripped.folded
nm pie | awk '$3 ~ /^(alpha|beta|gamma_)$/ { sub(/^0+/, "", $1); print "stripped+0x" $1 }' | sort >wanted
awk '{ count = $NF; sub(/ [0-9]+$/, ""); leaf = $0; sub(/.*;/, "", leaf); total += count; seen[leaf] += count }
    END { for (leaf in seen) if (leaf ~ /^stripped\+/ && seen[leaf] >= total / 100) print leaf }' \
    stripped.folded | sort >leaves
diff wanted leaves || fail "the functions of a stripped binary are not whole"
grep -qE 'alpha|chain_|rounds' stripped.folded && fail "names in a stripped binary"
true
