#!/bin/bash
# PDFs: words that can be found, fonts inside, an outline, the same bytes each time, sheets of paper.
. "$ROOT/tests/lib/trender.sh"
command -v pdftotext >/dev/null && command -v pdfinfo >/dev/null ||
    { echo "SKIP: pdftotext and pdfinfo (poppler-utils) are missing"; exit 77; }
for shape in make threads many hostile metrics; do trace $shape; done

# info KEY FILE: what pdfinfo says of it.
info() { pdfinfo "$2" | sed -n "s/^$1: *//p"; }

for view in flame procs report timeline usage; do
    for shape in make threads hostile; do
        "$trender" -q --view $view -o a.pdf $shape.cbor.zst
        "$trender" -q --view $view -o b.pdf $shape.cbor.zst
        cmp a.pdf b.pdf || fail "$view of $shape differs from run to run"
        expect "pages of $view of $shape" 1 "$(info Pages a.pdf)"
        ! pdffonts a.pdf | tail -n +3 | grep -v ' yes yes yes ' || fail "a font that is not embedded"
    done
done

"$trender" -o make.pdf make.cbor.zst
pdftotext -layout make.pdf make.txt
for word in run_selftest 'make -j4 all' 'cc1 -quiet lexer.c' 'exit status 2' 'Busiest functions'; do
    grep -q -- "$word" make.txt || fail "no '$word' in the text"
done
expect "title" "make -j4 all" "$(info Title make.pdf)"
info Creator make.pdf | grep -q '^trender [0-9]' || fail "the creator"
info Subject make.pdf | grep -q '30 s wall' || fail "the subject"
[ "$(TZ=UTC pdfinfo -isodates make.pdf | sed -n 's/^CreationDate: *//p')" = 2025-11-21T11:52:07Z ] ||
    fail "created when it was recorded: $(pdfinfo -isodates make.pdf)"
SOURCE_DATE_EPOCH=86400 "$trender" -o epoch.pdf make.cbor.zst
TZ=UTC pdfinfo -isodates epoch.pdf | grep -q '1970-01-02T00:00:00Z' || fail "SOURCE_DATE_EPOCH"
# The picture's 1200 pixels are 900 points.
info 'Page size' make.pdf | grep -q '^900 x ' || fail "the size of the page"

if command -v mutool >/dev/null; then
    mutool show make.pdf outline >outline.txt
    for entry in '"make -j4 all"' '"CPU and memory"' '"Processes"' '"All stacks on CPU' '"Busiest functions'; do
        grep -q "$entry" outline.txt || fail "no $entry in the outline: $(cat outline.txt)"
    done
    expect "depth of a process in the outline" 1 "$(grep -c $'^|\t\t\t"cc1 -quiet lexer.c"' outline.txt)"
fi

# Paper: as wide as it, and broken between rows: each process is whole on one page.
"$trender" --view procs --page a4 -o a4.pdf many.cbor.zst
"$trender" --view procs --page letter -o letter.pdf many.cbor.zst
info 'Page size' a4.pdf | grep -q 'A4' || fail "A4"
info 'Page size' letter.pdf | grep -q 'letter' || fail "letter"
pages=$(info Pages a4.pdf)
[ "$pages" -ge 2 ] || fail "all on $pages page"
for page in $(seq $((pages - 1))); do
    pdftotext -layout -f "$page" -l "$page" a4.pdf - | tr -d '\f' | grep -v '^ *$' | tail -n 1 | grep -Eq '^ *[0-9]{4,5}$' ||
        fail "page $page does not end in the second line of a row"
done
"$trender" --page a4 -o one.pdf make.cbor.zst
expect "pages of what fits on one" 1 "$(info Pages one.pdf)"

# Said when it is of no use, or unknown.
"$trender" --page a4 -o x.svg make.cbor.zst 2>error.txt
grep -q 'no PDF' error.txt || fail "--page for an SVG"
run "$trender" --page a5 -o x.pdf make.cbor.zst 2>error.txt
expect "status of --page a5" 2 $status
# "-" stays an SVG.
"$trender" -o - make.cbor.zst | head -c 5 | grep -q '<?xml' || fail "-o -"
run "$trender" -o x.pdf --view flame metrics.cbor.zst 2>error.txt
expect "a PDF of nothing" 4 $status
pdftotext x.pdf - | grep -q 'No stacks' || fail "a PDF of nothing does not say what is missing"
