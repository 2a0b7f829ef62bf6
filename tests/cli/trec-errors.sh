#!/bin/bash
# Bad use gets one helpful line and the right status; what was recorded is kept.
. "$ROOT/tests/lib/trec.sh"

# says STATUS PATTERN COMMAND...: exactly one line on stderr, with the pattern.
says() {
    local wanted=$1 pattern=$2
    shift 2
    run "$@" >out 2>err </dev/null
    expect "status of $*" "$wanted" "$status"
    expect "lines on stderr of $*" 1 "$(wc -l <err)"
    grep -q -- "$pattern" err || fail "$*: '$pattern' not in: $(cat err)"
}

says 125 'unknown option --ratte: did you mean --rate?' "$trec" --ratte 5 true
says 125 'unknown option -Z' "$trec" -Z true
says 125 'whole number' "$trec" --rate fast true
says 125 'out of range' "$trec" --rate 0 true
says 125 'needs a value' "$trec" --rate
says 125 'a time such as' "$trec" --interval soon -o x -- true
says 127 'cannot execute ./no-such-program' "$trec" -o x.cbor.zst ./no-such-program
[ ! -e x.cbor.zst ] || fail "a trace was left of a command that cannot be executed"
echo data >plain
says 126 'cannot execute ./plain' "$trec" -o x.cbor.zst ./plain
says 125 'cannot write /no/such/folder/t' "$trec" -o /no/such/folder/t -- true

run "$trec" >out 2>err
expect "bare trec" 125 "$status"
grep -q 'usage: trec' err || fail "bare trec prints no usage"
"$trec" --help | grep -q -- '--interval TIME' || fail "--help lacks an option"
"$trec" --version | grep -q 'trace format 1' || fail "--version lacks the format"

# A full disk ends the recording with one message, never the program.
says 7 'cannot write /dev/full: No space left' "$trec" -o /dev/full -- sh -c 'exit 7'

# So does a reader that goes away. (The program runs on for longer than a chunk is held back.)
set +o pipefail
"$trec" sh -c 'sleep 2.5; echo done >&2; exit 5' 2>err | head -c 1 >/dev/null
expect "status with a closed pipe" 5 "${PIPESTATUS[0]}"
grep -q '^done$' err || fail "the program did not go on"
expect "messages about the pipe" 1 "$(grep -c '^trec: cannot write standard output: Broken pipe' err)"

# An unwritable place that exists keeps its file.
echo keep >t.cbor.zst
says 127 'cannot execute' "$trec" -o t.cbor.zst ./no-such-program
[ -e t.cbor.zst ] || fail "a file that was there before was removed"
