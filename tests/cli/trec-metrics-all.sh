#!/bin/bash
# Memory shares, faults, I/O, context switches, descriptors and sockets are those of the programs;
# what may not be read is missing, not 0.
. "$ROOT/tests/lib/trec.sh"

cat >known.py <<'PY'
import os, socket, sys, time
time.sleep(0.3)
shared = bytearray(24 << 20)            # shared with the child below
for i in range(0, len(shared), 4096):
    shared[i] = 1
open("out", "wb").write(bytes(5 << 20))
open("out", "rb").read()
sockets = [socket.socket() for _ in range(7)]
time.sleep(1)                           # time to be looked at
if os.fork() == 0:
    data = b"x" * (9 << 20)             # of the child only, also when its parent waits for it
    open("child", "wb").write(data)
    time.sleep(1)
    os._exit(0)
for _ in range(50):
    time.sleep(0.01)
os.wait()
time.sleep(0.3)
PY
"$trec" -q -i 20ms -o t.cbor.zst -- /usr/bin/python3 known.py
"$tconv" -q --json t.cbor.zst >t.json
/usr/bin/python3 - t.json <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
series = {}
for r in records:
    if r["kind"] == "counter":
        series.setdefault((r.get("process_id", 0), r["name"]), []).append((r["time_ns"], r["value"]))
def last(process, name): return series[process, name][-1][1]
def most(process, name): return max(v for _, v in series[process, name])
MiB = 1 << 20

assert 5 * MiB <= last(1, "io_write") < 6 * MiB, last(1, "io_write")
assert 5 * MiB <= last(1, "io_read") < 8 * MiB, last(1, "io_read")
assert 9 * MiB <= most(2, "io_write") < 10 * MiB, most(2, "io_write")
assert last(1, "faults_minor") >= 24 * MiB // 4096 // 2, last(1, "faults_minor")
assert last(1, "switches_voluntary") >= 50, last(1, "switches_voluntary")
assert most(1, "sockets") == 7, series[1, "sockets"]
assert most(1, "fds") - series[1, "fds"][0][1] >= 7 - 2, series[1, "fds"]
assert most(1, "uss") >= 24 * MiB, most(1, "uss")
assert most(1, "rss_peak") >= 24 * MiB, most(1, "rss_peak")
# Both have the pages: each counts half of them, and neither has them alone.
assert min(v for _, v in series[2, "pss"]) < 0.8 * most(2, "rss"), series[2, "pss"]
assert min(v for _, v in series[2, "uss"]) < 20 * MiB, series[2, "uss"]
for (process, name), values in series.items():
    assert all(v is not None for _, v in values), (process, name)
    times = [t for t, _ in values]
    assert times == sorted(times), (process, name)
    if name.startswith(("io_", "faults", "switches", "cpu")):
        counts = [v for _, v in values]
        assert counts == sorted(counts), (process, name, counts)
PY

# What others own. A tracing parent that is nobody, and a program that runs as root.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 . && cp "$(command -v sleep)" rootsleep && chmod 4755 rootsleep
    mkdir -m 777 open && cp "$trec" open/trec
    # A scratch folder that nobody cannot reach would test nothing.
    if setpriv --reuid=65534 --regid=65534 --clear-groups open/trec -q -o open/n.cbor.zst -- \
        ./rootsleep 0.5; then
        "$tconv" -q --json open/n.cbor.zst >n.json
        /usr/bin/python3 - n.json <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
series = {}
for r in records:
    if r["kind"] == "counter" and r.get("process_id"):
        series.setdefault(r["name"], []).append(r["value"])
for name in ("io_read", "io_write", "pss", "uss", "sockets"):
    assert set(series[name]) == {None}, (name, series[name])
assert series["rss"][-1] > 0 and series["threads"][-1] == 1
reasons = {r["reason"] for r in records if r["kind"] == "lost" and r["what"] == "counter"}
assert reasons == {"io: permission denied", "pss, uss, swap: permission denied",
                   "sockets: permission denied"}, reasons
PY
    fi
fi

# A machine without pressure figures: one line with -v, and the rest as ever.
if unshare -m sh -c 'mount -t tmpfs none /proc/pressure' 2>/dev/null; then
    unshare -m sh -c "mount -t tmpfs none /proc/pressure && exec '$trec' -v -o p.cbor.zst true" 2>p.err
    expect "lines about pressure" 3 "$(grep -c '/proc/pressure/.*not recorded' p.err)"
    "$tconv" -q --json p.cbor.zst >p.json
    expect "pressure counters" 0 "$(grep -c psi_ p.json || true)"
    grep -q '"name":"machine_memory"' p.json || fail "no other metrics of the machine"
fi
exit 0
