#!/bin/bash
# Pictures of any width and height: no text lies on another or leaves the page, and none is higher
# than --max-height, which says what it cut.
. "$ROOT/tests/lib/trender.sh"
for shape in make threads many hostile metrics nonsense; do trace $shape; done
"$BUILD/targets/python_trace" python.cbor.zst
"$BUILD/targets/spans_trace" server spans.cbor.zst
views=$("$trender" --list-views | grep -v '(text only)' | cut -d ' ' -f 1)

# scene NAME --view VIEW OPTION...: the scene in NAME.scene; the view diff needs another input.
scene() {
    local other=()
    [ "$3" != diff ] || other=(--diff threads.cbor.zst)
    run "$trender" -q --dump-scene "${@:2}" "${other[@]}" >"$1.scene" 2>error.txt
    case $status in 0 | 4) ;; *) fail "$*: $(cat error.txt)" ;; esac
}

for view in $views; do
    for shape in make threads many hostile metrics nonsense python spans; do
        for width in 320 400 1200; do
            scene $view-$shape-$width --view $view --width $width $shape.cbor.zst
        done
    done
done
$python3 "$ROOT/tests/lib/overlaps.py" "$ROOT/render/text.c" ./*.scene || fail "texts overlap"

for view in $views; do
    for shape in make threads many hostile python; do
        for size in 320x200 320x400 400x300 400x700 1200x200 1200x330 1200x500 1200x900; do
            scene cut --view $view --width ${size%x*} --max-height ${size#*x} $shape.cbor.zst
            height=$(head -n 1 cut.scene | sed 's/^scene [0-9]*x\([0-9]*\) .*/\1/')
            [ "$height" -le ${size#*x} ] || fail "$view of $shape in $size is $height high"
            $python3 "$ROOT/tests/lib/overlaps.py" "$ROOT/render/text.c" cut.scene || fail "$view of $shape in $size"
        done
    done
done

# What is left out is said: rows by the view itself, what it cannot leave out by the page.
scene rows --view procs --max-height 500 many.cbor.zst
grep -q '+ .* processes' rows.scene || fail "rows that were folded"
# On a narrow page too, and whole.
"$trender" -q --view procs --width 400 --max-height 500 -o many.svg many.cbor.zst
grep -q '>+ 1.*948</text>' many.svg || fail "a number of folded rows that is cut"
grep -q '>+ 1.*051 more</text>' many.svg || fail "a name of folded rows that is cut"
scene usage --view usage --max-height 400 make.cbor.zst
grep -q 'cut off here by --max-height: [0-9]* px more below' usage.scene || fail "a cut that is not said"
scene all --view usage make.cbor.zst
! grep -q 'cut off' all.scene || fail "a cut without --max-height"
scene old --view usage --height 400 make.cbor.zst
cmp usage.scene old.scene || fail "--height is not --max-height"

# The least width, and less.
run "$trender" --width 319 -o x.svg make.cbor.zst 2>error.txt
expect "status of --width 319" 2 $status
