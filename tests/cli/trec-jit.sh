#!/bin/bash
# Code that runtimes make: named by what they tell of it, whenever and wherever they do.
. "$ROOT/tests/lib/trec.sh"
need_stacks
trap 'rm -f $(cat maps)' EXIT
: >maps
# Of the processes of a trace, what they leave in /tmp.
maps_of() { "$tconv" -q --json "$1" | sed -n 's|.*"kind":"process".*"pid":\([0-9]*\),"ppid.*|/tmp/perf-\1.map|p' >>maps; }
check() { /usr/bin/python3 "$ROOT/tests/lib/check_stacks.py" "$@"; }

cc_target -o jit_code "$ROOT/tests/targets/jit_code.c"
# record MODE PREFIX...: leaves MODE.folded
record() {
    local mode=$1
    shift
    "$trec" -q -o "$mode.cbor.zst" -- "$@" ./jit_code "${seconds:-1.5}" "$mode" >>maps
    "$tconv" -q --folded "$mode.cbor.zst" >"$mode.folded"
    echo "$mode:"
}
for mode in map end dump; do
    record $mode
    check $mode.folded '_start;.*main;run;(jit_alpha|jit_beta)$' jit_alpha=60 jit_beta=40
done
"$tconv" -q --json dump.cbor.zst | grep -q '"function":"jit_beta".*"file":"made.src",.*"line":21' ||
    fail "no lines from a jitdump"

# A pipe in the place of the map: nothing waits for it, and nothing has a name.
record fifo
grep -qE 'jit_(alpha|beta)' fifo.folded && fail "names from a pipe"
awk '{ n += $NF } END { exit n < 500 }' fifo.folded || fail "no samples beside a pipe"

# Memory that is used again: each half has its own names, but for what is sampled before anyone looks.
seconds=8 record reuse
check reuse.folded '_start;.*main;run;(?:jit_)(alpha|beta|gamma|delta)$' alpha=32 beta=21 gamma=28 delta=19

# A process in namespaces of its own: its number and its /tmp are others.
if unshare -fpm --mount-proc true 2>/dev/null; then
    seconds=1.5
    cat >inside.sh <<'END'
mount -t tmpfs none /tmp && exec "$@"
END
    "$trec" -q -o inside.cbor.zst -- unshare -fpm --mount-proc sh inside.sh ./jit_code 1.5 map >/dev/null
    "$tconv" -q --folded inside.cbor.zst | grep '^jit_code' >inside.folded
    echo "inside:"
    check inside.folded '_start;.*main;run;(jit_alpha|jit_beta)$' jit_alpha=60 jit_beta=40
fi

# node, both ways; with what V8 needs to start (compiling, collecting) beside it.
if command -v node >/dev/null; then
    for way in --perf-basic-prof --perf-prof; do
        "$trec" -q -o node.cbor.zst -- node $way --no-turbo-inlining "$ROOT/tests/targets/shares.js" 3 >/dev/null
        maps_of node.cbor.zst
        "$tconv" -q --folded node.cbor.zst | grep -F shares.js >node.folded
        echo "node $way:"
        check node.folded '_start;.*;(?:JS|LazyCompile|Function):[*~^+]?(alpha|beta|gamma) [^;]*shares.js[^;]*$' \
            alpha=50 beta=30 gamma=20
    done
fi

# Java tells when it ends.
if command -v javac >/dev/null; then
    javac -d . "$ROOT/tests/targets/Shares.java"
    "$trec" -q -o java.cbor.zst -- java -Xshare:auto -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit \
        -XX:+PreserveFramePointer '-XX:CompileCommand=dontinline,Shares.*' Shares 80000 >/dev/null
    maps_of java.cbor.zst
    "$tconv" -q --folded java.cbor.zst | grep -F Shares >java.folded
    echo "java:"
    check java.folded '(?:clone3|__clone3);.*JavaMain;.*;(?:Interpreter|[^;]*Shares.main[^;]*);(?:long )?Shares\.(alpha|beta|gamma)\b[^;]*$' \
        alpha=50 beta=30 gamma=20
fi
true
