#!/bin/bash
# What `make install` puts where: tools, library, headers, man pages, completion; and that the
# examples of docs/examples build against it and work. uninstall leaves nothing behind.
set -eu
fail() { echo "FAILED: $*" >&2; exit 1; }
prefix=$SCRATCH/prefix
variant=$(basename "$BUILD")
[ "$variant" = build ] && variant=release
make -s -C "$ROOT" VARIANT="$variant" PREFIX="$prefix" install >install.log 2>&1 || { cat install.log; fail "make install"; }

for tool in trec tconv trender; do
    "$prefix/bin/$tool" --version >/dev/null || fail "$tool does not run"
    [ -s "$prefix/share/man/man1/$tool.1" ] || fail "no man page of $tool"
    # Every option of --help is in the man page and in every completion script.
    for option in $("$prefix/bin/$tool" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z][a-z-]*' | grep -oE '\-\-[a-z-]+'); do
        grep -q -e "Fl -${option#--}\b" "$prefix/share/man/man1/$tool.1" || fail "$option is not in $tool.1"
        grep -q -e " $option\b" "$prefix/share/bash-completion/completions/$tool" || fail "bash: $option of $tool"
        grep -q -e "'\*\?$option" "$prefix/share/zsh/site-functions/_$tool" || fail "zsh: $option of $tool"
        grep -q -e " -l ${option#--}\b" "$prefix/share/fish/vendor_completions.d/$tool.fish" || fail "fish: $option of $tool"
    done
    zsh -n "$prefix/share/zsh/site-functions/_$tool" || fail "zsh syntax of $tool"
    fish -n "$prefix/share/fish/vendor_completions.d/$tool.fish" || fail "fish syntax of $tool"
done
for page in "$prefix"/share/man/man*/*; do
    mandoc -Tlint -Wwarning "$page" >lint.log 2>&1 || { cat lint.log; fail "$page"; }
done

# complete WORD...: what bash offers for the last word of the command line.
complete_words() {
    bash -c '. "$0"; tool=$1; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _$tool; printf "%s\n" "${COMPREPLY[@]}"' \
        "$prefix/share/bash-completion/completions/$1" "$@"
}
[ "$(complete_words trender --theme da)" = dark ] || fail "bash does not complete --theme da"
complete_words trender --view fl | grep -qx flame || fail "bash does not complete --view fl"
complete_words tconv --spee | grep -qx -e --speedscope || fail "bash does not complete --spee"
complete_words trec -p "" | grep -qx $$ || fail "bash does not complete -p with PIDs"

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$prefix/lib/python3/dist-packages /usr/bin/python3 -c 'import tracefmt; tracefmt.start' ||
    fail "the Python package cannot be imported"

[ "$variant" = release ] || { echo "examples: in the release build only"; exit 0; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
for example in write_trace read_trace; do
    # shellcheck disable=SC2046
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -o "$example" "$ROOT/docs/examples/$example.c" \
        $(pkg-config --cflags --libs tracefmt) || fail "$example does not build"
done
./write_trace >example.cbor.zst
[ "$(./read_trace <example.cbor.zst)" = "     3000000 ns  work" ] || fail "the examples disagree"
"$prefix/bin/tconv" -q --folded --weight cpu example.cbor.zst | grep -q 'work (work.py) 3000000$' || fail "tconv and the example disagree"

make -s -C "$ROOT" VARIANT="$variant" PREFIX="$prefix" uninstall >uninstall.log 2>&1 || fail "make uninstall"
left=$(find "$prefix" -type f -o -type l)
[ -z "$left" ] || fail "uninstall leaves: $left"
