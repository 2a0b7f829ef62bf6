#!/bin/bash
# Whatever processes and threads do, each is there from start to end, with its status.
. "$ROOT/tests/lib/trec.sh"
cc_target -w -o lives "$ROOT/tests/targets/lives.c"

# lived WHAT STATUS COUNT [STATUS COUNT]...: so many ended with that, and nobody else.
cat >lived.py <<'PY'
import collections, json, sys
records = [json.loads(line) for line in open("t.json")]
pairs = list(map(int, sys.argv[2:]))
wanted = dict(zip(pairs[::2], pairs[1::2]))
ends = [r for r in records if r["kind"] == "exit"]
starts = [r for r in records if r["kind"] == "start"]
got = collections.Counter(r["signal"] + 128 if r.get("signal") else r.get("status") for r in ends)
assert len({r["process_id"] for r in starts}) == len(starts) == sum(wanted.values()), \
    f"{sys.argv[1]}: {len(starts)} processes of {sum(wanted.values())}"
notes = next(r for r in records if r["kind"] == "header")["notes"]
if {"name": "exit status", "text": "of every process"} in notes:
    assert got == wanted, f"{sys.argv[1]}: ended with {dict(got)}, wanted {wanted}"
threads = [r for r in records if r["kind"] == "thread"]
assert len({r["id"] for r in threads}) == len(threads)
PY
lived() { "$tconv" -q --json t.cbor.zst >t.json && /usr/bin/python3 lived.py "$@"; }
record() { run "$trec" -q -o t.cbor.zst "$@"; }

can_sample || { echo "SKIP: without perf short processes are not seen"; exit 77; }

record --wait-all ./lives daemon
expect "status with a daemon" 0 "$status"
lived "a daemon that is waited for" 0 1 42 1 41 1

record ./lives vfork 30
lived vfork 0 1 44 30
record ./lives spawn 30
lived posix_spawn 0 1 43 30
record ./lives subreaper
lived "a subreaper" 0 2 46 1
record --wait-all ./lives subreaper
lived "a subreaper below ours" 0 2 46 1
record ./lives killed
expect "status of a program that kills itself" 137 "$status"
lived "a killed program" 137 1
record ./lives forks 2000
lived "2,000 forks" 0 1 45 2000
"$trec" -q -o t.cbor.zst sh -c 'i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; exit 3' || true
lived "300 programs" 0 300 3 1

# Threads: each has a row, a start and an end, and the CPU time that it used.
for kind in "threads 500" "short-threads 300"; do
    # shellcheck disable=SC2086
    record ./lives $kind
    lived "$kind" 0 1
    /usr/bin/python3 - "${kind#* }" <<'PY' || exit 1
import json, sys
records = [json.loads(line) for line in open("t.json")]
count = int(sys.argv[1])
threads = [r["id"] for r in records if r["kind"] == "thread"]
assert len(threads) == count + 1, f"{len(threads)} threads"
for kind in ("thread_start", "thread_exit"):
    got = [r for r in records if r["kind"] == kind]
    assert len(got) == count, f"{len(got)} times {kind} of {count} threads"
running = {}
for r in records:
    if r["kind"] == "sample" and r["state"] == "running":
        running[r["thread_id"]] = running.get(r["thread_id"], 0) + r["weight_ns"]
busy = sum(ns >= 0.8e6 for ns in running.values())
assert busy >= 0.98 * count, f"{busy} of {count} threads have their CPU time"
PY
done

# A pid namespace of its own, with the program as its init: all die with it.
if unshare -fp --mount-proc true 2>/dev/null; then
    record unshare -fp --mount-proc ./lives subreaper
    lived "an init" 0 3 46 1
    record unshare -fp --mount-proc ./lives daemon
    lived "an init that leaves its daemon" 0 2 42 1 137 1
else
    echo "no pid namespaces here"
fi
run "$trec" -q -o t.cbor.zst ./lives non-dumpable
expect "status of a program that hides its memory" 47 "$status"
lived "a program that hides its memory" 47 1

# A program of 32 bits: recorded but for its stacks, and that is said.
cat >i386.s <<'S'
.globl _start
_start:	movl $300000000, %ecx
1:	decl %ecx
	jnz 1b
	movl $1, %eax
	movl $48, %ebx
	int $0x80
S
if as --32 -o i386.o i386.s && ld -m elf_i386 -o i386 i386.o && { ./i386 || [ $? = 48 ]; }; then
    record ./i386
    expect "status of a program of 32 bits" 48 "$status"
    lived "a program of 32 bits" 48 1
    grep '"kind":"lost"' t.json | grep -q '"reason":"no 64-bit' || fail "no word about 32 bits"
else
    echo "no programs of 32 bits here"
fi
