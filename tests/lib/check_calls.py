"""Check the Python stacks of a trace of tests/targets/calls.py, and of other programs marked as it is.

check_calls.py JSON SOURCE TRUTH: JSON by tconv; a line of SOURCE that calls functions of it names them after '#:'. TRUTH: what it printed,
CPU seconds by function. Prints what was found; fails on more than 0.5 % impossible stacks, on shares 2 points off.
"""
import ast
import collections
import json
import os
import sys

# Comprehensions are functions of their own until 3.11.
COMPREHENSIONS = {ast.ListComp: "<listcomp>", ast.SetComp: "<setcomp>", ast.DictComp: "<dictcomp>", ast.GeneratorExp: "<genexpr>"}


class Source:
    """Functions by name and first line, and what the lines may call."""

    def __init__(self, path):
        text = open(path).read()
        self.ranges = {}  # (last part of the name, first line) -> (qualified name, last line)
        self.calls = {}
        for number, line in enumerate(text.splitlines(), 1):
            self.calls[number] = line.rsplit("#:", 1)[1].split() if "#:" in line else []
        self.ranges["<module>", 1] = "<module>", len(self.calls)
        self.walk(ast.parse(text), "")

    def walk(self, node, prefix):
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno] + [d.lineno for d in child.decorator_list])
                self.ranges[child.name, first] = prefix + child.name, child.end_lineno
                inner = ""
            elif isinstance(child, ast.ClassDef):
                # A class body runs while the module is loaded, only once.
                self.ranges[child.name, child.lineno] = child.name, child.end_lineno
                inner = child.name + "."
            elif type(child) in COMPREHENSIONS:
                name = COMPREHENSIONS[type(child)]
                self.ranges[name, child.lineno] = name, child.end_lineno
            elif isinstance(child, ast.Lambda):
                self.ranges["<lambda>", child.lineno] = "<lambda>", child.end_lineno
            self.walk(child, inner)

    def why_wrong(self, frames):
        """`frames`: (function, first line, line), root first. Returns: None for a legal stack."""
        for at, (function, first, line) in enumerate(frames):
            known = self.ranges.get((function.rsplit(".", 1)[-1], first))
            if not known:
                return f"no such function {function}:{first}"
            name, last = known
            if (name == "<module>") != (at == 0):
                return f"{name} at {at}"
            if line and not first <= line <= last:
                return f"line {line} in {name}"
            if at + 1 < len(frames):
                below = self.ranges.get((frames[at + 1][0].rsplit(".", 1)[-1], frames[at + 1][1]), ("?",))[0]
                allowed = self.calls.get(line, [])
                if name.startswith("<") and name != "<module>":
                    allowed = self.calls[first]
                if below not in allowed and not (name == "<module>" and self.is_class(below)):
                    return f"{name}:{line} calls {below}"
        return None

    def is_class(self, name):
        return name[0].isupper()


def load(path):
    frames, stacks, samples, lost = {}, {}, [], collections.Counter()
    for text in open(path):
        row = json.loads(text)
        kind = row["kind"]
        if kind == "frame":
            frames[row["id"]] = row
        elif kind == "stack":
            stacks[row["id"]] = stacks.get(row.get("parent_id"), ()) + (row["frame_id"],)
        elif kind == "sample":
            samples.append(row)
        elif kind == "lost":
            lost[row.get("what"), row.get("reason")] += row.get("count", 0)
    return frames, stacks, samples, lost


def main(path, source_path, truth):
    source, own = Source(source_path), os.path.basename(source_path)
    frames, stacks, samples, lost = load(path)
    count, weight, wrong = collections.Counter(), collections.Counter(), collections.Counter()
    begun, judged = False, {}
    for sample in samples:
        stack = stacks.get(sample.get("stack_id"), ())
        python = [frames[f] for f in stack if frames[f]["language"] == "python"]
        if sample["state"] != "running":
            continue
        if not python:
            count["none"] += begun
            continue
        mine = [f for f in python if os.path.basename(f.get("file", "")) in (own, "<stdin>")]
        # The import system before, and threading's shutdown after it.
        if not mine:
            continue
        begun = True
        count["python"] += 1
        count["apart"] += "unmerged" in sample.get("flags", ())
        if stack not in judged:
            names = [(f["functions"][0], f["first_line"], f.get("line", 0)) for f in mine]
            judged[stack] = source.why_wrong(names), names
        why, names = judged[stack]
        if why:
            count["wrong"] += 1
            count["wrong apart"] += "unmerged" in sample.get("flags", ())
            wrong[why] += 1
        for name in {name.rsplit(".", 1)[-1] for name, _, _ in names}:
            weight[name] += sample["weight_ns"]
    for why, n in wrong.most_common(8):
        print(f"  {n} x {why}")
    total, spent = sum(weight[name] for name in truth), sum(truth.values())
    worst = 0
    for name, seconds in truth.items():
        share, wanted = 100 * weight[name] / max(total, 1), 100 * seconds / spent
        worst = max(worst, abs(share - wanted))
        print(f"  {name}: {share:.1f} %, {wanted:.1f} % wanted")
    print(f"{count['python']} with Python, {count['none']} without, {count['apart']} apart, {count['wrong']} impossible ({count['wrong apart']} of them apart), worst share {worst:.1f} off, lost {dict(lost)}")
    assert count["python"] > 300, "too few"
    assert count["wrong"] <= 0.005 * count["python"], "impossible stacks"
    assert count["none"] <= 0.15 * (count["none"] + count["python"]), "too many rejected"
    # Room for the chance of that many samples.
    assert worst <= 2 + 150 / count["python"] ** 0.5, "shares"


main(sys.argv[1], sys.argv[2], json.loads(open(sys.argv[3]).read().splitlines()[0]))
