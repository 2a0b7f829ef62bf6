#!/bin/bash
# Views, outputs and exit statuses of trender.
. "$ROOT/tests/lib/trender.sh"
for shape in make threads many wide hostile metrics nonsense; do trace $shape; done

# Every view draws every trace: a picture is well-formed and bounded, the same input gives the
# same bytes.
for view in flame heat procs report timeline usage; do
    for shape in make threads many wide hostile metrics nonsense; do
        run "$trender" -q --view $view -o $view-$shape.svg $shape.cbor.zst
        case $view-$shape in
        heat-many | heat-wide | heat-metrics | flame-many | flame-wide | flame-metrics | timeline-many | timeline-wide | timeline-metrics) expect "$view $shape" 4 $status ;;
        *) expect "$view $shape" 0 $status ;;
        esac
        "$trender" -q --view $view -o again.svg $shape.cbor.zst || true
        cmp $view-$shape.svg again.svg || fail "$view of $shape differs from run to run"
        $python3 - $view-$shape.svg <<'PYTHON'
import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
assert len(text) <= 1.5e6, len(text)
root = tree.fromstring(text)
ns = "{http://www.w3.org/2000/svg}"
assert root.get("role") == "img" and root.find(ns + "title").text.strip()
assert len(list(root.iter(ns + "text"))) > 3
assert root.find(".//" + ns + "script") is None
ids = [e.get("id") for e in root.iter() if e.get("id")]
assert len(ids) == len(set(ids)), "ids are not unique"
for e in root.iter(ns + "title"):
    assert all(c >= " " or c == "\n" for c in e.text or ""), e.text
PYTHON
    done
done

# For readers of both kinds there are no more shapes than for one.
"$trender" -q --view report --theme auto -o auto.svg wide.cbor.zst
[ "$(stat -c %s auto.svg)" -le 1500000 ] || fail "--theme auto is too large"
grep -q 'prefers-color-scheme:dark' auto.svg || fail "--theme auto knows one page only"
! grep -q 'rgb(' auto.svg || fail "--theme auto has shapes of one colour only"

# Words are text: they can be found.
grep -q '>run_selftest' flame-make.svg || fail "no function in the text of the flame graph"
grep -q 'worker' procs-make.svg || fail "no process in the text of the picture"
grep -q 'exit status 1' procs-make.svg || fail "no failure"
grep -q 'ring overflow' procs-make.svg || fail "no loss"
grep -q '<title>./app --selftest' procs-make.svg || fail "no title to hover"

# Many processes fit on a page, and none is left out silently.
[ "$(grep -c 'role="group"' procs-many.svg)" -le 64 ] || fail "too many rows"
grep -q '+ 1.*process' procs-many.svg || fail "no folded row"

# Text.
"$trender" make.cbor.zst >summary.txt
expect "first line" "make -j4 all" "$(head -n 1 summary.txt | sed 's/ *$//')"
expect "last line" "trender -o report.svg make.cbor.zst" "$(tail -n 1 summary.txt)"
[ "$(wc -l <summary.txt)" -le 24 ] || fail "the summary is more than a screen"
export COLUMNS=80
for text in "" "--view procs" "--view usage" "--view top" "--view tree" "--view flame" "--view timeline"; do
    for shape in make threads many wide hostile metrics nonsense; do
        run "$trender" -q $text $shape.cbor.zst >text.txt
        [ $status = 4 ] && continue # one sentence, as long as it is
        $python3 - text.txt <<'PYTHON'
import sys, unicodedata
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.rstrip("\n")
    assert all(c >= " " and c != "\x7f" for c in line), repr(line)
    width = sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
                for c in line.rstrip())
    assert width <= 80, (width, line)
PYTHON
    done
done
"$trender" -o summary2.txt make.cbor.zst
cmp summary.txt summary2.txt || fail "-o FILE.txt and stdout differ"
"$trender" <make.cbor.zst >stdin.txt
expect "last line for stdin" "trender -o report.svg TRACE" "$(tail -n 1 stdin.txt)"
expect "last line for several" "trender -o report.svg TRACE..." \
    "$("$trender" -q make.cbor.zst make.cbor.zst | tail -n 1)"
cp make.cbor.zst "my trace"
expect "last line for a name with a space" "trender -o report.svg 'my trace'" \
    "$("$trender" "my trace" | tail -n 1)"
cat make.cbor.zst | "$trender" - | grep -q 'busiest processes' || fail "a pipe"

# Outputs.
"$trender" -o - make.cbor.zst | head -c 5 | grep -q '<?xml' || fail "-o - is an SVG"
"$trender" -o picture.png --scale 1 --width 800 make.cbor.zst
$python3 -c "
import struct
data = open('picture.png', 'rb').read(24)
assert data[:8] == b'\x89PNG\r\n\x1a\n' and struct.unpack('>I', data[16:20])[0] == 800"
run "$trender" -q -o - make.cbor.zst >/dev/full 2>error.txt
expect "a full disk" 1 $status
run "$trender" -o missing/x.svg make.cbor.zst 2>error.txt
expect "a missing folder" 1 $status
"$trender" --list-views | grep -q '^procs ' || fail "--list-views"
"$trender" --version | grep -q '^trender [0-9]' || fail "--version"
"$trender" --help | grep -q -- '--list-views' || fail "--help"

# Ranges and processes.
"$trender" --view procs -o part.svg --from 20s --to 25s make.cbor.zst
grep -q 'selftest' part.svg || fail "what lives in the range"
! grep -q 'lexer.c' part.svg || fail "what has ended before the range"
"$trender" --view procs -o part.svg --pid 4109 make.cbor.zst
grep -q '2 processes' part.svg || fail "--pid with what it started"

# Usage errors: one line that helps.
usage_error() {
    run "$trender" "${@:2}" >out.txt 2>error.txt
    expect "status of ${*:2}" 2 $status
    expect "lines for ${*:2}" 1 "$(wc -l <error.txt)"
    grep -q -- "$1" error.txt || fail "${*:2}: $(cat error.txt)"
}
usage_error 'did you mean procs' --view prcs make.cbor.zst
usage_error 'did you mean --theme' --them dark make.cbor.zst
usage_error '.svg, .pdf, .png and .txt' -o x.gif make.cbor.zst
usage_error 'is text' --view summary -o x.svg make.cbor.zst
usage_error 'is a picture' --view report make.cbor.zst
usage_error 'light, dark, print and auto' --theme pink -o x.svg make.cbor.zst
usage_error 'no process 7' --pid 7 make.cbor.zst
usage_error 'not before' --from 3s --to 2s make.cbor.zst

# Foreign, empty, cut.
run "$trender" -o x.svg "$ROOT/Makefile" 2>error.txt
expect "a foreign file" 1 $status
[ ! -e x.svg ] || fail "a picture of a foreign file"
: >empty.cbor.zst
run "$trender" empty.cbor.zst 2>error.txt
expect "an empty file" 1 $status
size=$(stat -c %s make.cbor.zst)
head -c $((size / 2)) make.cbor.zst >cut.cbor.zst
run "$trender" -o cut.svg cut.cbor.zst 2>error.txt
expect "a cut trace" 3 $status
grep -q 'damaged' cut.svg || fail "the picture does not say that the trace is cut"
run "$trender" cut.cbor.zst >cut.txt 2>error.txt
expect "the summary of a cut trace" 3 $status

# Nothing to show: the frame and one sentence.
run "$trender" --view flame -o none.svg metrics.cbor.zst 2>error.txt
expect "no stacks" 4 $status
[ "$(wc -l <error.txt)" = 1 ] || fail "more than a line: $(cat error.txt)"
grep -qi 'stacks\|samples' none.svg || fail "the picture does not say what is missing"

# On a terminal failures and losses are coloured, unless NO_COLOR is set.
on_terminal() {
    $python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$@" </dev/null
}
if $python3 -c 'import pty; pty.openpty()' 2>/dev/null; then
    on_terminal env TERM=xterm "$trender" make.cbor.zst >colour.txt
    grep -q $'\e\[31m' colour.txt || fail "no colour on a terminal"
    on_terminal env TERM=xterm NO_COLOR=1 "$trender" make.cbor.zst >colour.txt
    ! grep -q $'\e' colour.txt || fail "colour in spite of NO_COLOR"
    ! grep -q $'\e' summary.txt || fail "colour in a file"
else
    echo "no pseudo-terminal can be had here: colours on a terminal are not tested"
fi

# A range is said, in pictures and texts.
"$trender" --from 3s --to 3.6s make.cbor.zst >range.txt
"$trender" --view procs -o range.svg --from 3s --to 3.6s make.cbor.zst
for file in range.txt range.svg; do
    grep -q '3 s to 3.6 s of 30 s' $file || fail "the range is not in $file"
    grep -q 'peak 581 MiB at 3.6 s' $file || fail "the peak of the range is not in $file"
done
