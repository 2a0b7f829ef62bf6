#!/bin/bash
# Every row and record of a trace can be had back from --json, with equal fields, in equal order.
. "$ROOT/tests/lib/tconv.sh"

check() {
    "$BUILD/targets/dump_trace" "$1" >wanted
    "$tconv" -q --json "$1" | /usr/bin/python3 -c '
import json, sys

def number(names, value):
    return names.index(value) if value in names else value

def flags(row, *names):
    return sum(1 << names.index(f) if f in names else f for f in row.get("flags", []))

EVENTS = ["start", "exec", "name", "exit"]
MISSING = -(1 << 63)

def life(row, kind):
    event = "exit" if kind == "alive" else kind
    status, status_type = 0, 0
    if kind == "alive":
        status_type = 3
    elif row.get("status") is not None:
        status, status_type = row["status"], 1
    elif "signal" in row:
        status, status_type = row["signal"], 2
    return ["life", row["time_ns"], *ids(row, "process_id", "thread_id", "name_id", "exe_id", "argv_id", "cwd_id"),
            status, status_type, EVENTS.index(event)]

def ids(row, *keys):
    return [row.get(key, 0) for key in keys]

def bare(row):
    kind = row["kind"]
    if kind.removeprefix("thread_") in EVENTS + ["alive"]:
        return life(row, kind.removeprefix("thread_"))
    address = int(row.get("address", "0x0"), 16)
    match kind:
        case "string":
            data = bytes.fromhex(row["bytes"]) if "bytes" in row else row["text"].encode()
            return [kind, row["id"], int("bytes" in row), data.hex()]
        case "mapping":
            return [kind, row["id"], *ids(row, "path_id", "build_id_id"),
                    number(["file", "kernel", "vdso", "anon"], row["type"])]
        case "frame":
            return [kind, row["id"], address, *ids(row, "mapping_id", "function_id", "file_id", "first_line", "line"),
                    number(["native", "kernel", "python", "jit"], row["language"]), flags(row, "interpreter")]
        case "stack":
            return [kind, *ids(row, "id", "parent_id", "frame_id")]
        case "process":
            return [kind, *ids(row, "id", "start_ns", "pid", "ppid", "parent_id")]
        case "thread":
            return [kind, *ids(row, "id", "start_ns", "process_id", "tid")]
        case "metric":
            return [kind, *ids(row, "id", "name_id", "unit_id", "help_id", "process_id", "thread_id"),
                    number(["gauge", "cumulative"], row["type"])]
        case "sample":
            return [kind, *ids(row, "time_ns", "weight_ns", "thread_id", "stack_id", "syscall_id"),
                    number(["running", "preempted", "blocked", "gil"], row["state"]),
                    flags(row, "truncated", "recovered", "assumed", "unmerged", "summed", "unsampled")]
        case "counter":
            return [kind, row["time_ns"], MISSING if row["value"] is None else row["value"], row["metric_id"]]
        case "span":
            return [kind, *ids(row, "number", "time_ns", "thread_id", "frame_id", "name_id"),
                    number(["begin", "end"], row["phase"]), flags(row, "scope", "call", "ccall", "exception")]
        case "arg":
            return [kind, *ids(row, "span", "name_id", "type_id", "value_id"), flags(row, "cut")]
        case "alloc":
            return [kind, row["time_ns"], address, *ids(row, "size_bytes", "thread_id", "stack_id", "allocator_id")]
        case "free":
            return [kind, row["time_ns"], address, *ids(row, "thread_id", "stack_id", "allocator_id")]
        case "instant":
            return [kind, *ids(row, "time_ns", "thread_id", "name_id", "text_id")]
        case "clock":
            return [kind, *ids(row, "time_ns", "utc_ns", "boottime_ns")]
        case "lost":
            return [kind, *ids(row, "time_ns", "count", "process_id", "what_id", "reason_id")]
        case "cost":
            return [kind, *ids(row, "time_ns", "value", "name_id", "unit_id")]
        case "symbol":
            return [kind, address, *ids(row, "length", "mapping_id", "function_id", "file_id", "line", "first_line"),
                    int(row.get("inlined", False))]

for line in sys.stdin:
    row = json.loads(line)
    if row["kind"] not in ("header", "end"):
        print(*bare(row))
' >found
    cmp wanted found || { diff wanted found | head; fail "$1: --json is not lossless"; }
    [ -s found ]
}

check tiny.cbor.zst
"$BUILD/targets/gen_trace" --symbols --samples 20000 --threads 5 --processes 2 --metrics 50 \
    generated.cbor.zst
check generated.cbor.zst
