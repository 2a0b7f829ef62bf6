#!/bin/bash
# trec --report: a view of the trace on stderr when the program has ended, and no file left.
. "$ROOT/tests/lib/trec.sh"
mkdir tmp
export TMPDIR=$PWD/tmp
left() { ls tmp; }
kept() { # FILE: the trace that a message in it names
    grep -o "$TMPDIR/trec-[^ ]*\.cbor\.zst" "$1"
}

# Streams and status are the program's.
printf 'in\n' | "$trec" --report -- sh -c 'read line; echo "out $line"; echo err >&2; exit 7' >out 2>err || status=$?
expect "status" 7 "$status"
expect "stdout" "out in" "$(cat out)"
grep -qx err err || fail "stderr of the program: $(cat err)"
grep -q 'exit status 7' err || fail "the summary: $(cat err)"
grep -q "$TMPDIR" err && fail "a file that is gone is named: $(cat err)"
expect "files" "" "$(left)"
run "$trec" --report -- sh -c 'kill -TERM $$' 2>err
expect "status by a signal" 143 "$status"
grep -q 's wall' err || fail "the summary of who was killed: $(cat err)"

# Another view, and a trace that is kept because it has a name.
"$trec" --report=procs -o kept.cbor.zst -- sh -c 'true; true' 2>err
grep -q 'CPU *peak' err || fail "the view procs: $(cat err)"
"$tconv" -q --json kept.cbor.zst | grep -q . || fail "-o beside --report"
run "$trec" --report=procs -- true --report=summary 2>err
grep -q '^true ' err || fail "an option of the program: $(cat err)"

# What goes wrong: nothing is lost, and nothing is left without a word.
run "$trec" --report=nonsense -- sh -c 'exit 3' 2>err
expect "status with a view that is none" 3 "$status"
grep -q 'unknown view nonsense' err || fail "a view that is none: $(cat err)"
[ -s "$(kept err)" ] || fail "the trace is not kept: $(cat err)"
rm tmp/*
run "$trec" --report -- /nowhere/program 2>err
expect "status without the program" 127 "$status"
expect "files without the program" "" "$(left)"
expect "lines without the program" 1 "$(wc -l <err)"
mkdir alone
cp "$trec" alone/
run env PATH=/nowhere alone/trec --report -- "$(type -P true)" 2>err
expect "status without trender" 0 "$status"
grep -q 'no trender beside trec or in PATH: the trace is kept: trender --view summary' err || fail "without trender: $(cat err)"
[ -s "$(kept err)" ] || fail "the trace is not kept without trender: $(cat err)"
rm tmp/*
run env PATH="$BUILD:$PATH" alone/trec --report -- true 2>err
grep -q 'exit status 0' err || fail "the trender of PATH: $(cat err)"
run env TMPDIR=/nowhere "$trec" --report -- true 2>err
expect "status without a folder" 125 "$status"
grep -q '/nowhere.*-o FILE, or TMPDIR' err || fail "without a folder: $(cat err)"
run "$trec" --report -o - -- true 2>err >out
expect "status of --report -o -" 125 "$status"
expect "files" "" "$(left)"

# Ctrl-C reaches the program, and what it did until then is shown.
cat >interrupted.sh <<'S'
trap 'exit 5' INT
echo ready
for _ in $(seq 400); do sleep 0.05; done
S
setsid env --default-signal=INT "$trec" --report -- bash interrupted.sh >out 2>err &
recorder=$!
for _ in $(seq 100); do grep -q ready out && break; sleep 0.05; done
kill -INT -- -"$recorder"
run wait "$recorder"
expect "status after Ctrl-C" 5 "$status"
grep -q 'exit status 5' err || fail "the summary after Ctrl-C: $(cat err)"
expect "files" "" "$(left)"

# A program that runs already.
sleep 60 &
sleeper=$!
disown $sleeper
run "$trec" --report -d 0.2 -p $sleeper 2>err
expect "status of -p" 0 "$status"
grep -q 'sleep 60' err || fail "-p: $(cat err)"
kill $sleeper
expect "files" "" "$(left)"
