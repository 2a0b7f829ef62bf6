#!/bin/bash
# The Python package: a program that starts and stops its own recording, in every way it offers.
set -eu
. "$ROOT/tests/lib/trec.sh"
need_stacks
python=${PYTHON:-/usr/bin/python3}
export PYTHONPATH=$ROOT/record/python PYTHONDONTWRITEBYTECODE=1 TRACEFMT_TREC=$trec

cat >program.py <<'P'
import os, sys, threading, time
import tracefmt

def busy_inside(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(i * i for i in range(500))

def busy_outside(seconds):
    busy_inside(seconds)

recording = tracefmt.start(output="made/{program}-{pid}.cbor.zst", rate=499)
assert recording.is_running() and tracefmt.current() is recording
assert tracefmt.ensure_started() is recording
try:
    tracefmt.start()
    sys.exit("a second start went through")
except tracefmt.Error as error:
    assert recording.path in str(error), error
if os.fork() == 0:
    assert tracefmt.current() is None
    os._exit(0)
os.wait()
busy_inside(0.6)
first = tracefmt.rotate()
busy_outside(0.3)
second = tracefmt.stop()
assert first != second and tracefmt.stop() is None and tracefmt.current() is None
print(first)
print(second)
P
"$python" program.py >paths
first=$(sed -n 1p paths) second=$(sed -n 2p paths)
"$tconv" -q --folded "$first" >first.folded
"$tconv" -q --folded "$second" >second.folded
grep -q ';busy_inside' first.folded || fail "the Python function is not in the first trace"
grep -q 'busy_outside' first.folded && fail "what came after rotate() is in the first trace"
grep -q 'busy_outside' second.folded || fail "what came after rotate() is not in the second trace"
"$tconv" -q --json "$first" >first.jsonl
grep -q '"kind":"exec".*trec' first.jsonl && fail "the recorder has recorded itself"

# A program that ends, or is killed, without stop() leaves a whole trace.
cat >ends.py <<'P'
import os, signal, sys, tracefmt, time
tracefmt.start(output=sys.argv[1])
end = time.monotonic() + 0.3
while time.monotonic() < end:
    pass
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
raise SystemExit(int(sys.argv[2]))
P
run "$python" ends.py ended.cbor.zst 7
expect "status" 7 "$status"
"$tconv" -q --folded ended.cbor.zst >/dev/null || fail "the trace of a program that ended is damaged"
run "$python" ends.py killed.cbor.zst kill
expect "status" 137 "$status"
for _ in $(seq 100); do
    run "$tconv" -q --folded killed.cbor.zst >/dev/null 2>&1
    [ "$status" = 0 ] && break
    sleep 0.1
done
expect "reading the trace of a killed program" 0 "$status"

# Stacks on a signal, and errors that say what to do.
cat >dumps.py <<'P'
import os, signal, sys, tracefmt
def in_here():
    os.kill(os.getpid(), signal.SIGUSR1)
tracefmt.dump_on_signal(file=sys.stdout)
in_here()
P
"$python" dumps.py >dump.txt
grep -q 'in_here' dump.txt || { cat dump.txt; fail "the dump does not show the function"; }

# While recording the recorder is a child like others, but nobody asks what it does.
cat >dump_recorded.py <<'P'
import subprocess, sys, tracefmt
child = subprocess.Popen(["sleep", "100"])
tracefmt.start(output="dump_recorded.cbor.zst")
def in_here():
    tracefmt.dump(sys.stdout)
in_here()
child.kill()
P
"$python" dump_recorded.py >dump.txt
grep -q 'in_here' dump.txt && grep -q 'sleep 100' dump.txt || { cat dump.txt; fail "the dump has not all stacks"; }
expect "processes of the dump" 2 "$(grep -c '^Process ' dump.txt)"
run env TRACEFMT_TREC=/nowhere/trec "$python" -c 'import tracefmt; tracefmt.start()' 2>error.txt
grep -q 'TRACEFMT_TREC' error.txt || { cat error.txt; fail "no way out is named"; }

# WSGI and ASGI: requests pass, the recording begins with the first one.
cat >servers.py <<'P'
import asyncio, tracefmt, tracefmt.wsgi
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
wrapped = tracefmt.wsgi.traced(application, output="wsgi.cbor.zst")
for _ in range(2):
    assert wrapped({}, lambda *_: None) == [b"hello"]
assert tracefmt.stop() == "wsgi.cbor.zst"
async def asgi(scope, receive, send):
    await send(scope["answer"])
sent = []
async def send(message):
    sent.append(message)
asyncio.run(tracefmt.wsgi.traced_async(asgi, output="asgi.cbor.zst")({"answer": 42}, None, send))
assert sent == [42] and tracefmt.stop() == "asgi.cbor.zst"
P
"$python" servers.py

# Django, in sync and async mode, the middleware loaded twice.
"$python" -c 'import django' 2>/dev/null || { echo "without Django: its middleware is not tested"; exit 0; }
cat >site_under_test.py <<'P'
import asyncio, os, sys, django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x",
    MIDDLEWARE=["tracefmt.django.TraceMiddleware"] * 2, TRACEFMT_OUTPUT="django.cbor.zst",
    TRACEFMT_INTERVAL=float(os.environ.get("INTERVAL", "0.3")))
django.setup()
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
import tracefmt
def slow_view(request):
    return HttpResponse(str(sum(i * i for i in range(2000000))))
async def async_view(request):
    return HttpResponse(b"async")
urlpatterns = [path("slow", slow_view), path("async", async_view)]
client = Client()
assert tracefmt.current() is None
for _ in range(5):
    assert client.get("/slow").status_code == 200
assert client.get("/async").content == b"async"
async def ask():
    client = AsyncClient()
    return [(await client.get("/async")).content, (await client.get("/slow")).status_code]
assert asyncio.run(ask()) == [b"async", 200]
print(tracefmt.stop())
P
expect "trace of Django" django.cbor.zst "$("$python" site_under_test.py)"
"$tconv" -q --folded django.cbor.zst | grep -q 'slow_view' || fail "the view is not in the trace"
expect "switched off" None "$(INTERVAL=0 "$python" site_under_test.py)"
