#!/bin/bash
# An SVG looks as the PNG of the same scene does, in librsvg and in Chromium.
. "$ROOT/tests/lib/trender.sh"
command -v rsvg-convert >/dev/null && command -v compare >/dev/null ||
    { echo "SKIP: rsvg-convert or compare (imagemagick) is missing"; exit 77; }
trace make
trace threads
"$BUILD/targets/python_trace" python.cbor.zst
"$BUILD/targets/spans_trace" server server.cbor.zst

# compare_pictures NAME A B: root mean square of the difference, at most 2.5 % of the full scale: the
# edges of letters. Another font makes 5 %.
compare_pictures() {
    local difference
    difference=$(compare -metric RMSE "$2" "$3" null: 2>&1 | sed 's/.*(\(.*\)).*/\1/') || true
    awk -v d="$difference" 'BEGIN { exit !(d != "" && d <= 0.025) }' || fail "$1 differs: $difference"
}

for view in procs usage heat flame timeline report spans python; do
    for theme in light dark; do
        shape=make
        [ $view = timeline ] && shape=threads
        [ $view = spans ] && shape=server
        [ $view = python ] && view=flame shape=python
        "$trender" --view $view --theme $theme -o own.png $shape.cbor.zst
        "$trender" --view $view --theme $theme -o own.svg $shape.cbor.zst
        rsvg-convert -z 2 own.svg -o rsvg.png
        compare_pictures "$view of $shape, $theme, in librsvg" own.png rsvg.png
    done
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
