# For tests of trec: source this. Sets up names, and asks once whether stacks can be had.
set -eu
trec=$BUILD/trec
tconv=$BUILD/tconv

fail() { echo "FAILED: $*" >&2; exit 1; }

# expect WHAT WANTED GOT
expect() { [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"; }

# Run a command, leave its status in $status.
run() { status=0; "$@" || status=$?; }

# True when the kernel lets us sample stacks. Leaves a line for the log when not.
can_sample() {
    "$trec" -q -o can_sample.cbor.zst -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
    [ "$("$tconv" -q --json can_sample.cbor.zst | grep -c '"kind":"sample"')" -gt 0 ]
}
need_stacks() {
    can_sample || { echo "SKIP: perf_event_open is refused here: no stacks to test"; exit 77; }
}

# SECONDS of CPU: how the machine is now does not matter.
cc_target() { ${CC:-cc} -O2 -g -fomit-frame-pointer -pthread "$@"; }
