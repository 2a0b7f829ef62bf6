"""Traces for merge.sh, as JSON lines, and what must hold of merged ones: merge_traces.py FUNCTION ARGUMENT..."""
import json
import sys


def put(stream, **row):
    stream.write(json.dumps(row) + "\n")


def header(stream, time_ns, utc_ns, host, boot, **more):
    put(stream, kind="header", json_version=1, format_version=1, time_ns=time_ns, utc_ns=utc_ns,
        trace_id=boot.encode().hex().ljust(32, "0")[:32], recorder="test", host=host, boot_id=boot, os="Linux", machine="x86_64",
        cwd="/", argv=["prog", host], **more)


def host_trace(name, host, boot, start, utc_of, begin, seconds, number=0):
    """An instant each second of UTC, and clock snapshots each 10 s; `utc_of` is the host's clock."""
    time_of = {}
    first = begin * 10**9
    # The instant of a whole second of UTC in this host's clock, by bisection.
    for second in range(seconds):
        low, high = 0, 10**13
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if utc_of(middle) <= first + second * 10**9 else (low, middle)
        time_of[second] = low
    with open(name, "w") as stream:
        at = time_of[0]
        header(stream, start + at, utc_of(at), host, boot)
        put(stream, kind="string", id=1, text="mark")
        put(stream, kind="string", id=2, text="srv")
        put(stream, kind="string", id=3, text="machine_cpu")
        put(stream, kind="string", id=4, text="ns")
        for second in range(seconds):
            put(stream, kind="string", id=5 + second, text=f"{host} {number + second}")
        put(stream, kind="process", id=1, pid=7, ppid=1, start_ns=start + at + 1000)
        put(stream, kind="thread", id=1, process_id=1, tid=7, start_ns=start + at + 1000)
        put(stream, kind="metric", id=1, name_id=3, unit_id=4, help_id=0, type="cumulative")
        put(stream, kind="start", time_ns=start + at + 1000, process_id=1)
        put(stream, kind="name", time_ns=start + at + 2000, process_id=1, name_id=2)
        for second in range(seconds):
            at = time_of[second]
            if second % 10 == 0:
                put(stream, kind="clock", time_ns=start + at, utc_ns=utc_of(at), boottime_ns=start + at)
            put(stream, kind="counter", time_ns=start + at, metric_id=1, value=second)
            put(stream, kind="instant", time_ns=start + at, thread_id=1, name_id=1, text_id=5 + second)


def hosts():
    """Two machines whose clocks drift apart by 0.5 s an hour, the second one up for far longer."""
    utc = 1700000000
    host_trace("web.jsonl", "web", "web-boot", 10**9, lambda t: (utc - 5) * 10**9 + t + t // 20000, utc, 120)
    host_trace("db.jsonl", "db", "db-boot", 5 * 10**15,
               lambda t: (utc - 900) * 10**9 + t - t // 10000 + t * t // 10**16, utc, 120)
    # Recorded a day before the first machine was started.
    host_trace("old.jsonl", "old", "old-boot", 10**13, lambda t: (utc - 86500) * 10**9 + t, utc - 86400, 30, 1000)


def shift(path):
    """The same recording as from another boot, whose clock runs 200 ppm fast."""
    for line in open(path):
        row = json.loads(line)
        if row["kind"] == "header":
            row["boot_id"] = "another"
            row["trace_id"] = "00" * 15 + "77"
            begin = row["time_ns"]
        for key in ("time_ns", "start_ns"):
            if row.get(key):
                row[key] = 10**15 + row[key] + (row[key] - begin) // 5000
        print(json.dumps(row))


def marks(path):
    """Instants of all hosts by their second: they must be within 1 ms."""
    times = {}
    for line in open(path):
        row = json.loads(line)
        if row["kind"] == "instant":
            host, second = row["text"].split()
            times.setdefault(second, {})[host] = row["time_ns"]
    both = [found for found in times.values() if len(found) > 1]
    worst = max(abs(a - b) for found in both for a in found.values() for b in found.values())
    assert len(both) == 120, len(both)
    assert worst <= 1000000, f"{worst} ns apart"
    print(worst)


def stamps(path, *outputs):
    """Programs that print when they were busy have samples then, to 1 ms, and hardly any between."""
    busy = {}
    for output in outputs:
        for line in open(output):
            pid, begin, end = map(int, line.split())
            busy.setdefault(pid, []).append((begin - 1000000, end + 1000000))
    inside = {span: 0 for spans in busy.values() for span in spans}
    outside = dict.fromkeys(busy, 0)
    for line in open(path):
        row = json.loads(line)
        if row["kind"] != "sample" or row["state"] != "running" or row["pid"] not in busy:
            continue
        spans = busy[row["pid"]]
        found = [span for span in spans if span[0] <= row["time_ns"] <= span[1]]
        for span in found:
            inside[span] += 1
        outside[row["pid"]] += not found and spans[0][0] < row["time_ns"] < spans[-1][1]
    assert all(inside.values()), inside
    assert all(count <= 4 for count in outside.values()), (inside, outside)


globals()[sys.argv[1]](*sys.argv[2:])
