#!/bin/bash
# Metrics in pictures and texts: those asked for, what could not be read, what recording cost.
. "$ROOT/tests/lib/trec.sh"
trender=$BUILD/trender

cat >busy.py <<'PY'
import time
block = bytearray(40 << 20)
for i in range(0, len(block), 4096):
    block[i] = 1
open("out", "wb").write(block)
end = time.process_time() + 0.7
while time.process_time() < end:
    pass
PY
"$trec" -q -o t.cbor.zst -- sh -c '/usr/bin/python3 busy.py; sleep 0.3'

# What was recorded can be asked for, alone or all; the usual view is what it was.
"$trender" --view usage t.cbor.zst >usual.txt
head -n 5 usual.txt | grep -q '^memory (RSS sum)' || fail "no memory in the usual view"
grep -q 'psi_' usual.txt && fail "more than the usual charts"
"$trender" --metric pss,io_write t.cbor.zst >two.txt
expect "charts" "pss io_write" "$(head -n 2 two.txt | cut -d' ' -f1 | xargs)"
grep -q '^pss .* max [4-6][0-9]\(\.[0-9]\)\? MiB$' two.txt || fail "PSS: $(head -n 1 two.txt)"
"$trender" --metric all t.cbor.zst >all.txt
for name in CPU threads pss uss swap rss_peak fds sockets faults_minor faults_major io_read io_write \
    io_read_disk io_write_disk switches_voluntary switches_involuntary cpu_user cpu_system; do
    expect "charts of $name" 1 "$(grep -c "^$name " all.txt)"
done
run "$trender" --metric pss,io_writ t.cbor.zst 2>error.txt
expect "status of an unknown metric" 2 "$status"
grep -q 'no metric io_writ .*did you mean io_write' error.txt || fail "$(cat error.txt)"
for theme in light dark; do
    "$trender" --metric all --theme $theme --width 480 -o all.svg t.cbor.zst
    "$trender" --metric pss,faults_minor --theme $theme -o two.svg t.cbor.zst
done
grep -q 'MiB/s' all.svg || fail "no rate in the picture"
expect "groups" 2 "$(grep -c 'role="group"' two.svg)"

# Every process in a row; what has no figures has none.
"$trender" --metric pss t.cbor.zst >table.txt
grep -q '^ .* 40 MiB .* python3 busy.py' table.txt || fail "no row of the process that wrote"

# The summary: totals, and what the recording cost, on one screen.
"$trender" t.cbor.zst >summary.txt
[ "$(wc -l <summary.txt)" -le 24 ] || fail "the summary is more than a screen"
grep -q 'PSS .* MiB · .*written 40 MiB' summary.txt || fail "no totals: $(cat summary.txt)"
grep -q '^recording cost: [0-9.]* % of a CPU' summary.txt || fail "no cost: $(cat summary.txt)"
"$tconv" -q --json t.cbor.zst | grep '"kind":"cost"' >costs.json
/usr/bin/python3 - costs.json <<'PY' || exit 1
import json, sys
costs = {r["name"]: r["value"] for r in map(json.loads, open(sys.argv[1]))}
whole = costs["recorder cpu"]
parts = {n: v for n, v in costs.items() if n.startswith("recorder cpu: ")}
assert {"recorder cpu: rings and stacks", "recorder cpu: metrics"} <= parts.keys(), costs
# The clocks of parts are finer than that of the whole.
assert 0 < sum(parts.values()) <= whole * 1.1 + 2e6, costs
assert costs["recorder memory"] > 1 << 20 and costs["bytes written"] > 500, costs
PY
if can_sample; then
    grep -q 'of a CPU, target about [0-9.]* %, ' summary.txt || fail "no target: $(cat summary.txt)"
    grep -q '"name":"one sample"' costs.json || fail "no cost of a sample"
fi

# What may not be read is named, with the reason, and not 0.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 . && cp "$(command -v sleep)" rootsleep && chmod 4755 rootsleep
    mkdir -m 777 open && cp "$trec" open/trec
    if setpriv --reuid=65534 --regid=65534 --clear-groups open/trec -q -o open/n.cbor.zst -- \
        ./rootsleep 0.5; then
        "$trender" --metric pss,rss open/n.cbor.zst >n.txt
        grep -q '^pss *n/a: permission denied' n.txt || fail "$(cat n.txt)"
        grep -q ' n/a .*rootsleep' n.txt || fail "$(cat n.txt)"
        "$trender" --metric pss,rss -o n.svg open/n.cbor.zst
        grep -q 'n/a: permission denied' n.svg || fail "no reason in the picture"
        "$trender" open/n.cbor.zst >summary.txt
        grep -q 'n/a of 1 process: permission denied' summary.txt || fail "$(cat summary.txt)"
    fi
fi
exit 0
