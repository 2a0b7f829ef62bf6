#!/bin/bash
# The program's streams, arguments and exit status are its own.
. "$ROOT/tests/lib/trec.sh"

# -o: all streams untouched, the status is the command's.
run "$trec" -q -o t.cbor.zst -- sh -c 'echo out; echo err >&2; exit 3' >out 2>err
expect status 3 "$status"
expect stdout out "$(cat out)"
expect stderr err "$(cat err)"
"$tconv" -q --json t.cbor.zst | grep -q '"kind":"header"' || fail "no header in the trace"
expect mode 600 "$(stat -c %a t.cbor.zst)"

# Trace on stdout: the program's stdout becomes its stderr.
run "$trec" sh -c 'echo out; echo err >&2; exit 4' >t2.cbor.zst 2>err2
expect status 4 "$status"
expect "stdout on stderr" "out err" "$(tr '\n' ' ' <err2 | sed 's/ $//')"
"$tconv" -q --json t2.cbor.zst | grep -q '"kind":"end"' || fail "no end in the trace"

run "$trec" false >t3.cbor.zst
expect "status of false" 1 "$status"
"$tconv" -q --json t3.cbor.zst >/dev/null || fail "trace of false is not readable"

# stdout and stderr in one file would mix trace and text.
run "$trec" echo x >t4 2>&1
expect "one file for both: status" 125 "$status"
grep -q -- '-o FILE' t4 || fail "the refusal does not name the way out"

# The same bytes as without us.
head -c 300000 "$BUILD/trec" >f
gzip -nc f >plain.gz
"$trec" -q -o t5.cbor.zst gzip -nc f >ours.gz
cmp plain.gz ours.gz || fail "gzip's output differs under trec"
"$trec" -q -o t6.cbor.zst -- cat <f >copy
cmp f copy || fail "stdin does not reach the program"

# Options of the program are its own; ours end at the command.
expect arguments "-q --rate" "$("$trec" -q -o t7.cbor.zst echo -q --rate)"

# A pipe shared by stdout and stderr, as under CI: a file of a made-up name.
"$trec" sh -c 'echo text' 2>&1 | cat >mixed
grep -q '^text$' mixed || fail "the program's output was lost"
ls sh-*.cbor.zst >/dev/null || fail "no trace of a made-up name"
grep -q 'trec: wrote sh-[0-9]*.cbor.zst' mixed || fail "the trace's name was not said"

# Signals end it as a shell says.
run "$trec" -q -o t8.cbor.zst -- sh -c 'kill -TERM $$'
expect "status after SIGTERM" 143 "$status"
"$tconv" -q --json t8.cbor.zst | grep '"kind":"exit"' | grep -q '"signal":15' || fail "no signal in the trace"

# A parent that ignores the ends of its children: ours are waited for, and the command is as it was.
cat >ignoring.py <<'PY'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
PY
timeout -s KILL 60 /usr/bin/python3 ignoring.py "$trec" -q -o ignored.cbor.zst -- \
    sh -c 'exit 7' && status=0 || status=$?
expect "status under a parent that ignores SIGCHLD" 7 "$status"
/usr/bin/python3 ignoring.py "$trec" -q -o ignored.cbor.zst -- grep SigIgn /proc/self/status >ignored
[ $((0x$(awk '{print $2}' ignored) & 0x10000)) != 0 ] || fail "the command has not inherited the ignored SIGCHLD"

# Closed streams: what trec opens does not take their place.
run "$trec" -v -o closed.cbor.zst sh -c 'exit 8' 2>&- >&- <&-
expect "status with closed streams" 8 "$status"
"$tconv" -q --json closed.cbor.zst >/dev/null || fail "messages in the trace"
run "$trec" -v -o closed.cbor.zst sh -c 'exit 8' 2>&-
expect "status with stderr closed" 8 "$status"
"$tconv" -q --json closed.cbor.zst >/dev/null || fail "messages in the trace"
run "$trec" -o - true 2>err >&-
expect "status with a trace for a closed stdout" 125 "$status"
