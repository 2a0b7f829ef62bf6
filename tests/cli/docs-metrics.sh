#!/bin/bash
# The table of metrics in README.md is record/metrics.def. ACCEPT=1 rewrites it.
set -eu
cat >table.py <<'PY'
import os, re, sys
root = os.environ["ROOT"]
rows = re.findall(r'^X\(\w+, "(.*?)", "(.*?)", (\w+), (\w+), "(.*)"\)$', open(f"{root}/record/metrics.def").read(), re.M)
assert len(rows) > 20
names = [(scope != "PROCESS", name) for name, _, _, scope, _ in rows]
assert names == sorted(names), "metrics.def is not sorted"
table = "| metric | unit | what |\n|---|---|---|\n"
for name, unit, kind, _, text in rows:
    table += f"| `{name}` | {unit}{', total' if kind == 'CUMULATIVE' else ''} | {text} |\n"
path = f"{root}/README.md"
readme = open(path).read()
found = re.search(r"\| metric \| unit \| what \|\n(\|.*\n)+", readme)
assert found, "README.md has no table of metrics"
if os.environ.get("ACCEPT") == "1":
    open(path, "w").write(readme[:found.start()] + table + readme[found.end():])
elif found[0] != table:
    sys.stdout.write(table)
    sys.exit("README.md is not record/metrics.def: ACCEPT=1 tests/run 1 tests/cli/docs-metrics.sh")
PY
/usr/bin/python3 table.py
