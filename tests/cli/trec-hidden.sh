#!/bin/bash
# Programs that the kernel hides from an ordinary user, and ends that are easily told wrong.
. "$ROOT/tests/lib/trec.sh"

# An exec by a thread that is not the main one: the process goes on and ends with its status.
cat >tex.c <<'C'
#include <pthread.h>
#include <unistd.h>
static void *run(void *unused) { usleep(50000); execl("/bin/sh", "sh", "-c", "sleep 0.1; exit 14", (char *)0); return unused; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pause(); }
C
${CC:-cc} -pthread -o tex tex.c
"$trec" -q -o t.cbor.zst ./tex && status=0 || status=$?
expect "status after an exec by a thread" 14 "$status"
"$tconv" -q --json t.cbor.zst | grep '"kind":"exit"' | grep -q '"status":14' || fail "no end after an exec by a thread"

# The main thread leaves first: what it left with is not the status of the process.
cat >early.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *run(void *unused) { usleep(200000); exit(15); return unused; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_exit(0); }
C
${CC:-cc} -pthread -o early early.c
"$trec" -q -o t2.cbor.zst sh -c './early; exit 1' || true
"$tconv" -q --json t2.cbor.zst | grep '"kind":"exit"' >exits
grep -q '"status":0' exits && fail "a made-up status: $(cat exits)"
"$trec" -q -o t3.cbor.zst ./early && status=0 || status=$?
expect "status of the command itself" 15 "$status"
"$tconv" -q --json t3.cbor.zst | grep '"kind":"exit"' | grep -q '"status":15' || fail "waitpid's status is not in the trace"

# A setuid program, recorded by an ordinary user: it is there to its end, and the loss is said.
[ "$(id -u)" = 0 ] && command -v su >/dev/null && id nobody >/dev/null 2>&1 ||
    { echo "SKIP: needs root to become an ordinary user"; exit 77; }
mkdir public
chmod 777 public "$PWD"
cp "$trec" /bin/sleep public/
chmod 4755 public/sleep
case $(findmnt -no OPTIONS -T public) in *nosuid*) echo "SKIP: no setuid programs in this folder"; exit 77 ;; esac
su nobody -s /bin/sh -c 'cd public && ./trec -q -o t sh -c "./sleep 0.5; exit 3"' && status=0 || status=$?
[ -e public/t ] || { echo "SKIP: an ordinary user cannot run programs here"; exit 77; }
expect "status of a shell with a setuid child" 3 "$status"
"$tconv" -q --json public/t >t.json
/usr/bin/python3 - t.json <<'PY'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
start = {r["process_id"]: r["time_ns"] for r in records if r["kind"] == "start"}
lives = [r["time_ns"] - start[r["process_id"]] for r in records if r["kind"] == "exit"]
assert min(lives) >= 0.5e9, f"a process of half a second ended after {min(lives)} ns"
if {r["process_id"] for r in records if r["kind"] == "lost"} == set():
    print("the kernel did not hide it")
PY

# What it computes is not sampled, but no time of the kernel's.
echo 'int main(void) { for (volatile long i = 0; i < 200000000; i++); return 6; }' >burn.c
${CC:-cc} -w -o public/burn burn.c
chmod 4755 public/burn
rm -f public/t
su nobody -s /bin/sh -c 'cd public && ./trec -q -o t sh -c "./burn; exit 3"' || true
"$tconv" -q --folded --weight cpu public/t >folded || true
if grep -q '^burn;\[kernel, not sampled\]' folded && ! grep -q '^burn;.*main' folded; then
    fail "a setuid program's time is taken for the kernel's: $(cat folded)"
fi

# Its children are there too, though the kernel says nothing of them either.
cp /bin/sh public/xonly
chmod 711 public/xonly
rm -f public/t
su nobody -s /bin/sh -c "cd public && ./trec -q -o t ./xonly -c 'sleep 0.6; (exit 3); /bin/true; exit 4'" &&
    status=0 || status=$?
expect "status of a program that may not be read" 4 "$status"
"$tconv" -q --json public/t >t.json
if grep -q 'hidden by the kernel' t.json && grep -q '"of every process"' t.json; then
    expect "processes of a hidden program" 4 "$(grep -c '"kind":"exit"' t.json)"
    grep '"kind":"exit"' t.json | grep -q '"status":3' || fail "the status of a child is not there"
fi
