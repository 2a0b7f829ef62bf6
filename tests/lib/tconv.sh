# For tests of tconv: source this. Makes tiny.cbor.zst, a trace with every kind of record.
set -eu
tconv=$BUILD/tconv
golden=$ROOT/tests/golden/tconv

fail() { echo "FAILED: $*" >&2; exit 1; }

# expect WHAT WANTED GOT
expect() { [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"; }

# Run a command, leave its status in $status, its output in out and err.
run() { status=0; "$@" >out 2>err || status=$?; }

# says STATUS PATTERN COMMAND...: this status, and one line on stderr with the pattern.
says() {
    local wanted=$1 pattern=$2
    shift 2
    run "$@" </dev/null
    expect "status of $*" "$wanted" "$status"
    expect "lines on stderr of $*" 1 "$(wc -l <err)"
    grep -q -e "$pattern" err || fail "$*: '$pattern' not in: $(cat err)"
}

# same GOLDEN FILE: equal to the stored output. ACCEPT=1 stores it anew; review the difference.
same() {
    if [ "${ACCEPT:-}" = 1 ]; then cp "$2" "$golden/$1"; fi
    diff -u "$golden/$1" "$2" || fail "$1 differs"
}

# The names of all formats that are one file.
formats() { "$tconv" --list-formats | sed -n 's/^\([a-z][a-z-]*\) .*/\1/p' | grep -vx csv; }

"$BUILD/targets/tiny_trace" tiny.cbor.zst
