#!/bin/bash
# An SVG looks as the PNG of the same scene does, in librsvg and in Chromium, and so does a PDF.
. "$ROOT/tests/lib/trender.sh"
command -v rsvg-convert >/dev/null && command -v compare >/dev/null ||
    { echo "SKIP: rsvg-convert or compare (imagemagick) is missing"; exit 77; }
trace make
trace threads
"$BUILD/targets/python_trace" python.cbor.zst
"$BUILD/targets/spans_trace" server server.cbor.zst

# compare_pictures NAME A B [MOST]: root mean square of the difference at half the size, at most 2.5 %
# of the full scale: the edges of letters. Another font makes nearly 5 %.
compare_pictures() {
    local difference
    convert "$2" -resize 50% a-half.png
    convert "$3" -resize 50% b-half.png
    difference=$(compare -metric RMSE a-half.png b-half.png null: 2>&1 | sed 's/.*(\(.*\)).*/\1/') || true
    awk -v d="$difference" -v m="${4:-0.025}" 'BEGIN { exit !(d != "" && d <= m) }' || fail "$1 differs: $difference"
}

# draw VIEW OPTION...: with the trace that has most of it, and another for what compares two.
draw() {
    local view=$1 shape=make other=()
    case $view in
    timeline | heat) shape=threads ;;
    flame) shape=python other=(--weight wall) ;;
    spans) shape=server ;;
    diff) other=(--diff threads.cbor.zst) ;;
    esac
    "$trender" -q --view $view --width 800 "${other[@]}" "${@:2}" $shape.cbor.zst
}

for view in $("$trender" --list-views | grep -v '(text only)' | cut -d ' ' -f 1); do
    themes="light dark"
    [ $view != report ] || themes="light dark print"
    for theme in $themes; do
        draw $view --theme $theme -o own.png
        draw $view --theme $theme -o own.svg
        rsvg-convert -z 2 own.svg -o rsvg.png
        compare_pictures "$view, $theme, in librsvg" own.png rsvg.png
    done
    if command -v pdftoppm >/dev/null; then
        draw $view --theme dark -o own.png
        draw $view --theme dark -o own.pdf
        # 96 dots an inch are a pixel of the page.
        pdftoppm -r 192 -singlefile -png -scale-to-x "$(identify -format %w own.png)" -scale-to-y "$(identify -format %h own.png)" own.pdf pdf
        compare_pictures "$view as PDF" own.png pdf.png 0.035
    fi
done

# --theme auto: light for who does not know better, both for browsers.
"$trender" --view procs --theme auto -o auto.svg make.cbor.zst
"$trender" --view procs --theme auto -o light.png make.cbor.zst
"$trender" --view procs --theme dark -o dark.png make.cbor.zst
rsvg-convert -z 2 auto.svg -o rsvg.png
compare_pictures "auto in librsvg" light.png rsvg.png

for side in before after; do "$BUILD/targets/diff_trace" $side $side.cbor.zst; done
for theme in light dark print; do
    "$trender" --theme $theme -o own.png before.cbor.zst --diff after.cbor.zst
    "$trender" --theme $theme -o own.svg before.cbor.zst --diff after.cbor.zst
    rsvg-convert -z 2 own.svg -o rsvg.png
    compare_pictures "a comparison, $theme, in librsvg" own.png rsvg.png
done

command -v chromium >/dev/null || exit 0
# in_chromium SCHEME OUT: draws auto.svg for readers who prefer light (1) or dark (0).
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/chromium" \
        --hide-scrollbars --force-device-scale-factor=2 --window-size="$size" \
        --blink-settings=preferredColorScheme="$1" --screenshot="$PWD/$2" \
        "file://$PWD/auto.svg" >/dev/null 2>&1 || { echo "SKIP: Chromium does not run here"; exit 77; }
}
size=$(identify -format '%[fx:w/2],%[fx:h/2]' light.png)
in_chromium 1 chromium.png
compare_pictures "auto in Chromium, light" light.png chromium.png
in_chromium 0 chromium.png
compare_pictures "auto in Chromium, dark" dark.png chromium.png
