#!/bin/bash
# Traces of nothing, of one sample and of very much: every view draws them on every surface, the same
# each time, within bounds.
. "$ROOT/tests/lib/trender.sh"
targets=$BUILD/targets
"$targets/tiny_trace" empty.cbor.zst empty
"$targets/tiny_trace" tiny.cbor.zst
"$targets/deep_trace" one.cbor.zst 1
"$targets/deep_trace" deep.cbor.zst 65536
"$targets/gen_trace" --processes 10000 --threads 10000 --samples 100000 --metrics 1000 --symbols processes.cbor.zst >/dev/null 2>&1
"$targets/gen_trace" --threads 500 --samples 200000 --symbols threads.cbor.zst >/dev/null 2>&1
"$targets/spans_trace" many spans.cbor.zst

# draw SHAPE VIEW EXTENSION: into SHAPE-VIEW.EXTENSION, unless the view has no such form.
draw() {
    local other=()
    [ "$2" != diff ] || other=(--diff tiny.cbor.zst)
    run "$trender" -q --scale 1 --view "$2" "${other[@]}" -o "$1-$2.$3" "$1.cbor.zst" 2>error.txt
    case $status in
    0 | 4) ;;
    2) grep -q 'is text\|is a picture' error.txt || fail "$*: $(cat error.txt)" ;;
    *) fail "$*: status $status: $(cat error.txt)" ;;
    esac
}

views=$("$trender" --list-views | cut -d ' ' -f 1)
for shape in empty one deep processes threads spans; do
    for view in $views; do
        draw $shape $view svg
        draw $shape $view txt
        [ $shape = processes ] || draw $shape $view pdf
    done
    draw $shape report png
    draw $shape flame png
    draw $shape timeline png
done

$python3 - ./*.svg <<'PYTHON'
import sys, xml.etree.ElementTree as tree
ns = "{http://www.w3.org/2000/svg}"
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    root = tree.fromstring(text)
    items = sum(1 for g in root.iter(ns + "g") if g.find(ns + "rect") is not None)
    assert len(text) <= 1.5e6, (path, len(text))
    assert items <= 5000, (path, items)
    assert root.find(ns + "title").text.strip(), path
PYTHON

# The same again.
for shape in deep processes threads; do
    for view in report procs timeline; do
        cp $shape-$view.svg before.svg
        draw $shape $view svg
        cmp $shape-$view.svg before.svg || fail "$view of $shape differs from run to run"
    done
done

# What was merged is said.
grep -q '9.[0-9]*.* app' processes-procs.svg || fail "processes that were left out"
grep -q 'busiest of 500 threads' threads-timeline.svg || fail "threads that were left out"
grep -q 'and 460 more threads' threads-timeline.txt || fail "threads that were left out of the text"
grep -q 'deeper rows not drawn' deep-flame.svg || fail "rows that were left out"
grep -q 'deeper rows not shown' deep-flame.txt || fail "rows that were left out of the text"

# More threads that end within a scope than a picture has bars.
"$targets/spans_trace" killed killed.cbor.zst
timeout 60 "$trender" --view spans -o killed.svg killed.cbor.zst || fail "killed threads: status $?"
grep -q '^6.*000 times from' killed.svg || fail "killed threads are not counted"
