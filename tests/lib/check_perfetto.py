"""
check_perfetto.py TRACE JSONL [WEIGHT]: read with the published descriptions of the format, the
trace keeps the rules of its reader and says what --json says. Run by a Python with `perfetto`.
"""
import collections
import sys

import trace_rows
from perfetto.protos.perfetto.trace import perfetto_trace_pb2

MONOTONIC, STATE_CLEARED, NEEDS_STATE = 3, 1, 2
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4

trace = perfetto_trace_pb2.Trace()
trace.ParseFromString(open(sys.argv[1], "rb").read())
rows = trace_rows.load(sys.argv[2])
weight = sys.argv[3] if len(sys.argv) > 3 else "cpu"
samples = trace_rows.samples(rows)


def known_only(message):
    """Every field is one that the format has."""
    bare = type(message)()
    bare.CopyFrom(message)
    bare.DiscardUnknownFields()
    assert bare.ByteSize() == message.ByteSize(), "fields that the format does not have"


known_only(trace)

names = collections.defaultdict(dict)  # of interned rows, by kind and iid
tracks = {0: None}
found = collections.defaultdict(list)
open_slices = collections.defaultdict(list)
slices = collections.defaultdict(list)


def intern(data):
    for field, items in data.ListFields():
        for item in items:
            assert item.iid and item.iid not in names[field.name], (field.name, item.iid)
            names[field.name][item.iid] = item


def frames(iid):
    """The functions of a callstack, root first; all that they refer to is there."""
    result = []
    for id in names["callstacks"][iid].frame_ids:
        frame = names["frames"][id]
        mapping = names["mappings"][frame.mapping_id]
        assert all(path in names["mapping_paths"] for path in mapping.path_string_ids)
        assert mapping.build_id in names["build_ids"]
        assert not frame.source_path_iid or frame.source_path_iid in names["source_paths"]
        result.append(names["function_names"][frame.function_name_id].str.decode())
    return tuple(result)


def notes(event):
    return [(note.name, note.string_value or note.uint_value) for note in event.debug_annotations]


for number, packet in enumerate(trace.packet):
    assert packet.trusted_packet_sequence_id == 1
    assert packet.sequence_flags == (NEEDS_STATE if number else STATE_CLEARED)
    if packet.HasField("interned_data"):
        intern(packet.interned_data)
    kind = packet.WhichOneof("data")
    if kind == "track_descriptor":
        track = packet.track_descriptor
        assert track.uuid not in tracks, "a track twice"
        assert not track.parent_uuid or track.parent_uuid in tracks, "a child before its parent"
        tracks[track.uuid] = track
    elif kind == "perf_sample" and packet.perf_sample.kernel_records_lost:
        found["lost"].append(packet.perf_sample.kernel_records_lost)
    elif kind == "perf_sample":
        sample = packet.perf_sample
        found["sample"].append((packet.timestamp, sample.pid, sample.tid,
                                frames(sample.callstack_iid), sample.timebase_count))
    elif kind == "track_event":
        event = packet.track_event
        assert event.track_uuid in tracks, "an event before its track"
        if event.type == BEGIN:
            open_slices[event.track_uuid].append((packet.timestamp, event))
        elif event.type == END:
            begin, first = open_slices[event.track_uuid].pop()
            slices[event.track_uuid].append((begin, packet.timestamp, first, notes(event)))
            assert begin <= packet.timestamp, "a slice ends before it begins"
        elif event.type == COUNTER:
            found["counter"].append((event.track_uuid, packet.timestamp, event.counter_value))
        else:
            found["instant"].append((event.track_uuid, packet.timestamp, event))
    elif kind == "clock_snapshot":
        found["clock"].append({clock.clock_id: clock.timestamp
                               for clock in packet.clock_snapshot.clocks})
assert not any(open_slices.values()), "slices that never end"
assert trace.packet[0].trace_packet_defaults.timestamp_clock_id == MONOTONIC
assert trace.packet[0].clock_snapshot.primary_trace_clock == MONOTONIC

# Samples: to the sample, and to the ns.
unsampled = [s for s in samples if "unsampled" in s.get("flags", []) and s["state"] == "running"]
wanted = [s for s in samples if s["weights"][weight] and s not in unsampled]
assert collections.Counter(s[:4] for s in found["sample"]) == collections.Counter(
    (s["time_ns"], s["pid"], s["tid"], s["frames"]) for s in wanted)
counts = [0] + [s[4] for s in found["sample"]]
assert counts == sorted(counts)
assert counts[-1] == sum(s["weight_ns"] for s in wanted)

# Tracks have the names and numbers of the processes and threads.
threads = {row["id"]: row for row in rows if row["kind"] == "thread"}
described = collections.Counter((t.thread.pid, t.thread.tid) for t in tracks.values()
                                if t is not None and t.HasField("thread"))
assert described == collections.Counter((t["pid"], t["tid"]) for t in threads.values())

# States: they do not overlap; the waits add up to what waited, with their callstacks.
waited, drawn = collections.Counter(), collections.Counter()
for s in samples:
    if s["state"] != "running" and not {"summed", "unsampled"} & set(s.get("flags", [])):
        waited[s["tid"], s["frames"]] += s["weight_ns"]
for uuid, rows_of in slices.items():
    if tracks[uuid].name != "state":
        continue
    thread = tracks[tracks[uuid].parent_uuid].thread
    times = [time for begin, end, *_ in rows_of for time in (begin, end)]
    assert times == sorted(times), "states overlap"
    for begin, end, event, _ in rows_of:
        assert bool(event.callstack_iid) == (event.name != "running")
        if event.callstack_iid:
            drawn[thread.tid, frames(event.callstack_iid)] += end - begin
            assert frames(event.callstack_iid)[-1] == event.name
assert set(drawn) <= set(waited) and all(drawn[key] <= waited[key] for key in drawn)
if "exact" in sys.argv:
    assert drawn == waited, (drawn, waited)

# Counters, value by value.
metrics = {row["id"]: row for row in rows if row["kind"] == "metric"}


def place(metric):
    return metric.get("tid") or metric.get("pid") or 0, trace_rows.clean(metric["name"])


def place_of(track):
    parent = tracks[track.parent_uuid]
    owner = 0 if parent is None else parent.thread.tid or parent.process.pid
    return owner, track.name


assert collections.Counter((*place_of(tracks[uuid]), *rest) for uuid, *rest in found["counter"]) \
    == collections.Counter((*place(metrics[row["metric_id"]]), row["time_ns"], row["value"])
                           for row in rows if row["kind"] == "counter" and row["value"] is not None)

# Spans and their arguments; instants; losses; clocks.
spans = [item for uuid, items in slices.items() if tracks[uuid].HasField("thread") for item in items]
begins = [row for row in rows if row["kind"] == "span" and row["phase"] == "begin"]
assert collections.Counter((begin, event.name) for begin, _, event, _ in spans) == \
    collections.Counter((row["time_ns"], trace_rows.clean(row.get("name") or row["function"]))
                        for row in begins)
given = [note for _, _, event, after in spans for note in notes(event) + after
         if note[0] != "left by"]
assert collections.Counter(given) == collections.Counter(
    (trace_rows.clean(row["name"]), trace_rows.clean(row["value"]))
    for row in rows if row["kind"] == "arg")
lost = [row for row in rows if row["kind"] == "lost"]
assert sorted(found["lost"]) == sorted(row["count"] for row in lost if row["what"] == "sample")
instants = [event for _, _, event in found["instant"]]
assert len(instants) == len(lost) + sum(row["kind"] == "instant" for row in rows)
assert sum(dict(notes(e))["count"] for e in instants if e.name == "lost") == \
    sum(row["count"] for row in lost)
header = rows[0]
assert found["clock"] == [{3: header["time_ns"], 1: header["utc_ns"]}] + [
    {id: value for id, value in ((3, row["time_ns"]), (1, row["utc_ns"]), (6, row["boottime_ns"]))
     if value > 0} for row in rows if row["kind"] == "clock"]

# Lives: each process is one piece after the other, from its start to its end.
lives = [items for uuid, items in slices.items() if tracks[uuid].name == "life"]
assert len(lives) == sum(row["kind"] == "process" for row in rows)
for items in lives:
    assert all(a[1] == b[0] for a, b in zip(items, items[1:])), "gaps in a life"
