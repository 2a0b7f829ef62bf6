#!/bin/bash
# Scenes of small traces, as text, are what they were: tests/golden/trender/. ACCEPT=1 rewrites
# them; look at the difference and at the pictures before committing it.
. "$ROOT/tests/lib/trender.sh"
golden=$ROOT/tests/golden/trender
check() {
    local name=$1
    shift
    "$trender" -q "$@" >"$name" || fail "$name: trender failed"
    if [ "${ACCEPT:-}" = 1 ]; then cp "$name" "$golden/$name"; fi
    diff -u "$golden/$name" "$name" || fail "$name has changed"
}
for shape in make hostile metrics; do trace $shape; done
check procs-hostile.scene --dump-scene --view procs --width 800 hostile.cbor.zst
check usage-metrics.scene --dump-scene --view usage --width 800 metrics.cbor.zst
check procs-make.txt --view procs make.cbor.zst
check usage-make.txt --view usage make.cbor.zst
check summary-make.txt make.cbor.zst
"$BUILD/targets/python_trace" python.cbor.zst
check flame-python.scene --dump-scene --view flame --weight wall --width 800 python.cbor.zst
for side in before after; do "$BUILD/targets/diff_trace" $side $side.cbor.zst; done
check diff-shop.scene --dump-scene --width 800 before.cbor.zst --diff after.cbor.zst
export COLUMNS=80
check diff-shop.txt before.cbor.zst --diff after.cbor.zst
check summary-python.txt python.cbor.zst
check top-python.txt --view top --weight wall python.cbor.zst
check top-lines-python.txt --view top --by line --sort total python.cbor.zst
"$BUILD/targets/heat_trace" heat.cbor.zst
check heat.scene --dump-scene --view heat --width 400 --rows 10 heat.cbor.zst
LC_ALL=C.UTF-8 check heat.txt --view heat --rows 10 heat.cbor.zst
"$BUILD/targets/spans_trace" server server.cbor.zst
check latency.scene --dump-scene --view heat --latency query --width 400 --rows 10 server.cbor.zst
LC_ALL=C.UTF-8 check latency.txt --view heat --latency query --rows 10 server.cbor.zst
LC_ALL=C check heat-threads.txt --view heat --threads heat.cbor.zst
check source-python.txt --view source --weight wall python.cbor.zst
"$BUILD/targets/spans_trace" server server.cbor.zst
check spans-server.scene --dump-scene --view spans --width 800 --to 200ms server.cbor.zst
check spans-server.txt --view spans server.cbor.zst
COLUMNS=120 check calls-server.txt --view calls --to 200ms server.cbor.zst
check tree-python.txt --view tree --weight wall python.cbor.zst
check flame-python.txt --view flame --weight wall python.cbor.zst
check timeline-python.txt --view timeline python.cbor.zst
check summary-hostile.txt hostile.cbor.zst
