#!/bin/bash
# How processes end is known, or said not to be known, also where the proc connector is refused.
. "$ROOT/tests/lib/trec.sh"
${CC:-cc} -o refuse "$ROOT/tests/targets/refuse.c"

# tells TRACE COUNT STATUS...: the processes, and what they ended with in the order of their ends.
cat >tells.py <<'PY'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
wanted, least = [int(n) for n in sys.argv[3].split()], int(sys.argv[2])
ends = [r for r in records if r["kind"] == "exit"]
known = [r["signal"] + 128 if r.get("signal") else r["status"] for r in ends
         if r.get("status") is not None or r.get("signal") is not None]
unknown = sum(r["count"] for r in records if r["kind"] == "lost" and r["what"] == "status")
assert unknown == len(ends) - len(known), f"{unknown} told as unknown of {len(ends) - len(known)}"
for status in set(known):
    assert known.count(status) <= wanted.count(status), f"{known.count(status)} ended with {status}"
assert len(known) >= least, f"{len(known)} of {len(wanted)} statuses"
print(f"{len(known)} of {len(wanted)} statuses known")
PY
tells() {
    "$tconv" -q --json "$1" >t.json
    /usr/bin/python3 tells.py t.json "$2" "$3"
}

cat >children.sh <<'SH'
i=1
while [ $i -le 40 ]; do sh -c "sleep 0.02; exit $i"; i=$((i + 1)); done
sh -c 'sleep 0.02; kill -9 $$'
exit 0
SH
wanted="$(printf "0 %.0s" $(seq 42)) 137 $(seq -s ' ' 40)"
"$trec" -q -o all.cbor.zst sh children.sh
grep -q '"text":"of every process"' <("$tconv" -q --json all.cbor.zst) && tells all.cbor.zst 83 "$wanted"

# By pidfds, where the kernel has them: short children are seen only where perf tells of forks.
pidfds=78
[ "$(uname -r | cut -d. -f1-2 | tr . ' ' | { read -r a b; echo $((a * 100 + b)); })" -ge 615 ] || pidfds=1
can_sample || pidfds=1
./refuse connector "$trec" -q -o refused.cbor.zst sh children.sh
tells refused.cbor.zst $pidfds "$wanted"

# With neither, processes that live long enough to be looked at.
./refuse perf,connector "$trec" -q -o walk.cbor.zst sh -c '
    for i in 1 2 3 4 5; do sh -c "sleep 1; exit $i" & done; wait; exit 0'
"$tconv" -q --json walk.cbor.zst >t.json
for i in 1 2 3 4 5; do grep '"kind":"exit"' t.json | grep -q "\"status\":$i}" || fail "no status $i without perf"; done
[ "$(grep '"kind":"exit"' t.json | grep -c '"status":[1-5]}')" = 5 ] || fail "a process has ended twice"

# In namespaces of its own.
for flags in -Ur "-Urfp --mount-proc"; do
    # shellcheck disable=SC2086
    unshare $flags true 2>/dev/null || { echo "unshare $flags is refused here"; continue; }
    # shellcheck disable=SC2086
    unshare $flags "$trec" -q -o ns.cbor.zst sh children.sh
    tells ns.cbor.zst $pidfds "$wanted"
done

# A pid namespace that kept the /proc of the one around it: whose numbers are those?
if unshare -fp true 2>/dev/null; then
    run unshare -fp "$trec" -q -o proc.cbor.zst sh -c 'exec sleep 0.2' 2>err
    if [ "$status" = 125 ] && grep -q 'processes of another pid namespace' err; then
        echo "proc cannot be mounted here: $(cat err)"
    else
        "$tconv" -q --json proc.cbor.zst | grep '"kind":"exec"' | tail -n 1 >exec
        grep -q "\"cwd\":\"$PWD\"" exec && grep -q '"argv":\["sleep"' exec || fail "not our process: $(cat exec)"
    fi
    [ -d /proc/$$ ] || fail "the /proc outside has changed"
fi

# The main thread leaves first, and the process ends with what another one says.
cat >early.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *run(void *unused) { usleep(200000); exit(15); return unused; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_exit(0); }
C
${CC:-cc} -pthread -o early early.c
"$trec" -q -o early.cbor.zst sh -c './early; exit 1' || true
tells early.cbor.zst 1 "15 1"
