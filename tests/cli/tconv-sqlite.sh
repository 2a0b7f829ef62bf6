#!/bin/bash
# Databases hold every record of --json, sqlite3 finds them sound, and the views add up to the same.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 5000 --stacks 300 --depth 20 --functions 12 \
    recursive.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait; sleep 0.1'

for trace in tiny empty generated recursive real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    "$tconv" -q -o $trace.sqlite $trace.cbor.zst
    "$tconv" -q --sqlite $trace.cbor.zst | cat >again.sqlite
    cmp $trace.sqlite again.sqlite
    expect "the database" ok "$(sqlite3 $trace.sqlite 'PRAGMA integrity_check')"
done
"$tconv" -q --sqlite --weight offcpu tiny.cbor.zst >offcpu.sqlite
expect "samples with --weight offcpu" 3 "$(sqlite3 offcpu.sqlite 'SELECT count(*) FROM sample')"
run env TMPDIR=/nonexistent "$tconv" --sqlite tiny.cbor.zst
expect "status without a folder for temporary files" 1 "$status"

/usr/bin/python3 - <<'PYTHON'
import collections, os, sqlite3, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import trace_rows
from trace_rows import clean

def optional(row, key):
    return clean(row[key]) if row.get(key) else None

for trace in "tiny", "empty", "generated", "recursive", "real":
    db = sqlite3.connect(trace + ".sqlite")
    rows = trace_rows.load(trace + ".jsonl")
    samples, start = trace_rows.samples(rows), rows[0]["time_ns"]
    of = collections.defaultdict(list)
    for row in rows:
        of[row["kind"]].append(row)
    ask = lambda sql: collections.Counter(db.execute(sql))
    want = lambda items: collections.Counter(items)

    # every record
    stacks = {id: tuple(names) for id, names in (
        (id, text.split("\x01")) for id, text in db.execute(
            "WITH RECURSIVE path(id, text) AS (SELECT k.id, f.name FROM stack k JOIN function f"
            " ON f.id = function_id WHERE parent_id IS NULL UNION ALL SELECT k.id, path.text ||"
            " char(1) || f.name FROM path JOIN stack k ON k.parent_id = path.id JOIN function f"
            " ON f.id = function_id) SELECT id, text FROM path"))}
    found = collections.Counter((*row[:-1], stacks[row[-1]]) for row in db.execute(
        "SELECT time_ns, tid, state, samples, weight_ns, syscall, is_sum, stack_id FROM sample"
        " LEFT JOIN thread ON thread.id = thread_id"))
    wanted = want((s["time_ns"] - start, s["tid"], s["state"], s["weights"]["samples"],
                   s["weight_ns"], s.get("syscall"),
                   int(bool({"summed", "unsampled"} & set(s.get("flags", [])))), s["frames"])
                  for s in samples)
    assert found == wanted, (trace, found - wanted, wanted - found)
    assert ask("SELECT metric_id, time_ns, value FROM counter") == want(
        (r["metric_id"], r["time_ns"] - start, r["value"]) for r in of["counter"])
    assert ask("SELECT pid, ppid, name, start_ns FROM process") == want(
        (pid, ppid, name, start_ns) for pid, ppid, name, start_ns in (
            (r["pid"], r.get("ppid"), [x for x in db.execute(
                "SELECT name FROM process WHERE id = ?", (r["id"],))][0][0],
             r["start_ns"] - start if r.get("start_ns") else None) for r in of["process"]))
    exits = {r["process_id"]: r for r in of["exit"]}
    for id, status, code, signal in db.execute("SELECT id, status, exit_code, signal FROM process"):
        if id in exits:
            assert (code, signal) == (exits[id].get("status"), exits[id].get("signal"))
            assert status == ("exited" if code is not None else
                              "signaled" if signal is not None else "unknown")
    assert ask("SELECT tid FROM thread") == want((r["tid"],) for r in of["thread"])
    assert ask("SELECT path, build_id FROM mapping") == want(
        (clean(r["path"]), r.get("build_id")) for r in of["mapping"])
    assert ask("SELECT record_id, name, type, value FROM arg") == want(
        (r["span"], clean(r["name"]), clean(r["type"]), clean(r["value"])) for r in of["arg"])
    assert ask("SELECT time_ns, name, text FROM instant") == want(
        (r["time_ns"] - start, clean(r["name"]), optional(r, "text")) for r in of["instant"])
    assert ask("SELECT time_ns, what, count, reason FROM lost") == want(
        (r["time_ns"] - start, r["what"], r["count"], r["reason"]) for r in of["lost"])
    assert ask("SELECT time_ns, name, value, unit FROM cost") == want(
        (r["time_ns"] - start, r["name"], r["value"], r["unit"]) for r in of["cost"])
    assert ask("SELECT utc_ns, boottime_ns FROM clock") == want(
        (r["utc_ns"], r["boottime_ns"]) for r in of["clock"])
    assert ask("SELECT address, size_bytes, allocator FROM alloc") == want(
        (int(r["address"], 16), r["size_bytes"], r["allocator"]) for r in of["alloc"])
    assert ask("SELECT count(*) FROM free") == want([(len(of["free"]),)])
    lives = "start exec name exit alive thread_start thread_exec thread_name thread_exit thread_alive"
    assert ask("SELECT count(*) FROM life") == want([(sum(len(of[k]) for k in lives.split()),)])
    begins = [r for r in of["span"] if r["phase"] == "begin"]
    assert ask("SELECT id, name, begin_ns FROM span") == want(
        (r["number"], clean(r.get("name") or r["function"]), r["time_ns"] - start) for r in begins)

    # the views
    own, total = collections.Counter(), collections.Counter()
    for s in samples:
        own[s["frames"][-1]] += s["weights"]["cpu"]
        for name in set(s["frames"]):
            total[name] += s["weights"]["cpu"]
    sums = {name: (a, b) for name, a, b in db.execute(
        "SELECT name, sum(self_cpu_ns), sum(total_cpu_ns) FROM function_weight GROUP BY name")}
    assert sums.keys() == total.keys()
    assert all(sums[name][0] == own[name] for name in sums)
    # (one name may stand for several functions)
    assert all(sums[name][1] >= total[name] for name in sums)
    if trace != "real":
        assert all(sums[name][1] == total[name] for name in sums)
    threads = collections.Counter()
    for s in samples:
        threads[s["tid"]] += s["weight_ns"]
    assert dict(db.execute("SELECT tid, cpu_ns + preempted_ns + blocked_ns FROM thread_weight")) \
        == threads
    wanted = trace_rows.totals(samples)
    found = next(db.execute("SELECT total(samples), total(cpu_ns), total(offcpu_ns) FROM sample_view"))
    assert found == (wanted["samples"], wanted["cpu"], wanted["offcpu"])
    for view in "stack_weight", "stack_text", "counter_view", "span_view":
        db.execute(f"SELECT * FROM {view}").fetchall()
    if trace == "tiny":
        assert list(db.execute("SELECT duration_ns, args, left_by_exception FROM span_view"
                               " ORDER BY id"))[:1] == [(3000000, "path=/etc/passwd", 0)]
        assert list(db.execute("SELECT parent_id, left_by_exception FROM span ORDER BY id")) == \
            [(None, 0), (1, 1), (None, 0)]
PYTHON

# The queries of the document run as they stand.
sed -n '/^```sql/,/^```/p' "$ROOT/docs/SQLITE.md" | grep -v '^```' >queries.sql
sqlite3 -bail tiny.sqlite <queries.sql >answers || fail "docs/SQLITE.md: $(cat answers)"
grep -q 'worker;\|main;work 3' answers || fail "docs/SQLITE.md: $(cat answers)"
