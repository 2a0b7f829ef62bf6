#!/bin/bash
# Rust programs: both ways of mangling, generics, closures, and every way of linking.
. "$ROOT/tests/lib/trec.sh"
command -v rustc >/dev/null || { echo "SKIP: no Rust compiler"; exit 77; }
need_stacks

# build NAME ALPHA BETA OPTION...: ALPHA is a generic method of a generic type, BETA calls a closure.
build() {
    local name=$1 alpha=$2 beta=$3 gamma='<shares::Unit as shares::Work>::gamma'
    shift 3
    rustc -o "$name" "$ROOT/tests/targets/shares.rs" "$@" 2>rustc.log || { cat rustc.log; fail "rustc $*"; }
    "$trec" -q -o "$name.cbor.zst" -- "./$name" 2 >/dev/null
    "$tconv" -q --folded "$name.cbor.zst" >"$name.folded"
    echo "$name:"
    local any
    any=$(/usr/bin/python3 -c 'import re, sys; print("|".join(map(re.escape, sys.argv[1:])))' \
        "$alpha" "$beta" "$gamma")
    /usr/bin/python3 "$ROOT/tests/lib/check_stacks.py" "$name.folded" \
        "(?:_start|clone3|__clone|__clone3);.*;shares::rounds;($any)(?:;.*)?\$" \
        "$alpha=50" "$beta=30" "$gamma=20"
}
old=('shares::Holder<T>::alpha' 'shares::call')
new=('<shares::Holder<u32>>::alpha' 'shares::call::<shares::rounds::{closure#0}>')
v0='-Csymbol-mangling-version=v0'
build default "${old[@]}" -O
build v0 "${new[@]}" -O $v0
build debug "${new[@]}" -O -g $v0
build lto "${old[@]}" -O -Clto=fat -Ccodegen-units=1
build staticpie "${new[@]}" -O $v0 -Ctarget-feature=+crt-static
build abort "${old[@]}" -O -Cpanic=abort
musl=x86_64-unknown-linux-musl
if [ -d "$(rustc --print sysroot)/lib/rustlib/$musl/lib" ]; then
    build musl "${new[@]}" -O $v0 --target $musl
fi
true
