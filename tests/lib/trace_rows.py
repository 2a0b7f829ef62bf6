"""What tconv --json says of a trace, for comparing other formats with it."""
import json

WEIGHTS = "samples", "cpu", "offcpu", "wall"


def text(value):
    """A text of the JSON, as formats show it: U+FFFD for what is no UTF-8."""
    if isinstance(value, dict):
        value = bytes.fromhex(value["bytes"]).decode(errors="replace")
    return value


def clean(value):
    """As text(), with a space for each control character."""
    return "".join(" " if c < " " or "\x7f" <= c < "\xa0" else c for c in text(value))


def load(path):
    return [json.loads(line) for line in open(path)]


def weights(sample):
    """By name of the weight."""
    running, ns = sample["state"] == "running", sample["weight_ns"]
    counted = running and "unsampled" not in sample.get("flags", [])
    return {"samples": int(counted), "cpu": ns * running, "offcpu": ns * (not running), "wall": ns}


def samples(rows, name=clean):
    """The samples, each with its `frames` (names, root first) and its `weights`."""
    stacks, found = {}, []
    for row in rows:
        if row["kind"] == "stack":
            stacks[row["id"]] = stacks.get(row.get("parent_id"), ()) + \
                tuple(name(function) for function in row["functions"][::-1])
        elif row["kind"] == "sample":
            frames = stacks.get(row.get("stack_id"), ()) or ("[stack not known]",)
            reason = row.get("syscall", "unknown system call" if "syscall_id" in row else "")
            wait = {"blocked": f"[waiting: {reason}]" if reason else "[waiting]",
                    "preempted": "[preempted]", "gil": "[waiting: GIL]"}.get(row["state"])
            row["frames"] = frames + (wait,) if wait else frames
            row["weights"] = weights(row)
            found.append(row)
    return found


def totals(found):
    """By name of the weight."""
    return {weight: sum(sample["weights"][weight] for sample in found) for weight in WEIGHTS}
