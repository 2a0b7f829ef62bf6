#!/bin/bash
# Go programs: goroutine stacks are whole and named, also without symbols and debug information.
. "$ROOT/tests/lib/trec.sh"
command -v go >/dev/null || { echo "SKIP: no Go compiler"; exit 77; }
need_stacks
cp "$ROOT/tests/targets/shares.go" .
printf 'module shares\n\ngo 1.18\n' >go.mod
export GOCACHE="$PWD/cache" GOFLAGS=-mod=mod GOTOOLCHAIN=local

# build NAME GO OPTION...: the stacks of both goroutines, down to the inlined function.
build() {
    local name=$1 go=$2
    shift 2
    "$go" build "$@" -o "$name" shares.go
    "$trec" -q -o "$name.cbor.zst" -- "./$name" 2 >/dev/null
    "$tconv" -q --folded "$name.cbor.zst" | grep -v cpuTime >"$name.folded"
    echo "$name:"
    /usr/bin/python3 "$ROOT/tests/lib/check_stacks.py" "$name.folded" \
        'runtime\.goexit;(?:runtime\.main;main\.main|main\.main\.func1);main\.chain2;main\.chain1;main\.\(\*worker\)\.rounds;(main\.inlined;main\.alpha|main\.beta|main\.gamma_)$' \
        'main.inlined;main.alpha=50' main.beta=30 main.gamma_=20
    "$tconv" -q --json "$name.cbor.zst" | grep -q '"function":"main.alpha".*shares.go","file_id":[0-9]*,"line":2[0-9]' ||
        fail "$name: no lines"
}
build plain go
build stripped go -ldflags='-s -w'
build pie go -buildmode=pie -ldflags='-s -w'
# Linked by the C linker, which moves the table, and without section headers.
if [ "$(go env CGO_ENABLED)" = 1 ]; then
    build external go -buildmode=pie -ldflags='-s -w -linkmode=external'
fi
for old in /usr/lib/go-1.*/bin/go; do
    [ ! -x "$old" ] || build "old-${old//[^0-9]/}" "$old" -ldflags='-s -w'
done
