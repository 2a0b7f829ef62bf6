#!/bin/bash
# Under a terminal: signals come once, and the trace gets a name of its own.
. "$ROOT/tests/lib/trec.sh"
script -qfec true /dev/null >/dev/null 2>&1 || { echo "SKIP: no pseudo-terminal can be had here"; exit 77; }

# One Ctrl-C at a terminal is one SIGINT for the program.
cat >count.sh <<'SH'
n=0
trap 'n=$((n+1)); echo "INT $n"' INT
echo ready
i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done
echo "got $n"
SH
( for _ in $(seq 100); do grep -q ready typescript 2>/dev/null && break; sleep 0.05; done
  printf '\003'; sleep 2 ) |
    script -qfec "$trec -q -o t6.cbor.zst -- bash count.sh" typescript >/dev/null || true
grep -q 'got 1' typescript || fail "one Ctrl-C gave: $(tr '\r\n' '  ' <typescript)"

# No -o, stdout a terminal: the streams are untouched, and the next command is named.
script -qfec "$trec sh -c 'echo to the terminal; exit 3'" typescript >/dev/null && status=0 || status=$?
expect "status under a terminal" 3 "$status"
grep -q 'to the terminal' typescript || fail "the output did not reach the terminal"
name=$(ls sh-*.cbor.zst) || fail "no trace of a made-up name"
grep -q "wrote $name.*next: trender -o report.svg $name" typescript || fail "$(cat typescript)"

# Binary to a terminal is refused.
script -qfec "$trec -o - true" typescript >/dev/null && status=0 || status=$?
expect "a trace to the terminal" 125 "$status"
grep -q 'use -o FILE' typescript || fail "$(cat typescript)"
