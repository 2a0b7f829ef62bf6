#!/bin/bash
# trec -p of a Flask application under gunicorn's workers, with requests all the time.
. "$ROOT/tests/lib/trec.sh"
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import flask, gunicorn' 2>/dev/null || { echo "SKIP: no Flask, or no gunicorn"; exit 77; }
need_stacks
cat >site_under_test.py <<'P'
import flask, os
application = flask.Flask(__name__)
def heavy_part(n):
    return sum(i * i for i in range(n))
@application.route("/sum/<int:n>")
def sum_view(n):
    return f"{heavy_part(n)} {os.getpid()}"
P
cat >client.py <<'P'
"""Requests for SECONDS on four connections; each answer must be right. Prints how many, and by whom."""
import http.client, sys, threading, time
port, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
wanted, workers, counts = sum(i * i for i in range(20000)), set(), []
def ask():
    count = 0
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/sum/20000")
        answer = connection.getresponse()
        text = answer.read().decode().split()
        assert answer.status == 200 and int(text[0]) == wanted, (answer.status, text)
        workers.add(text[1])
        count += 1
    counts.append(count)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(counts) == 4, "a request failed"
print(sum(counts), *sorted(workers))
P
"$python" -m gunicorn.app.wsgiapp -w 2 -b 127.0.0.1:0 --pid server.pid site_under_test:application 2>server.log &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 200); do
    port=$(grep -o 'Listening at: http://127.0.0.1:[0-9]*' server.log | grep -o '[0-9]*$') && break
    sleep 0.05
done
"$python" client.py "$port" 0.3 >warm || fail "the server does not answer: $(cat server.log)"
"$trec" -v -o served.cbor.zst -p $server -d 2 2>messages &
recorder=$!
"$python" client.py "$port" 2.5 >during || fail "requests while it is recorded: $(cat server.log)"
run wait $recorder
expect "status of trec" 0 "$status"
"$python" client.py "$port" 0.3 >after || fail "requests afterwards"
"$tconv" -q --folded served.cbor.zst >folded
grep -q 'sum_view.*;heavy_part' folded || fail "the view is not in the trace: $(cat messages)"
# Every worker that answered has Python frames of its own.
for worker in $(cut -d ' ' -f 2- during); do
    "$trec" --dump -p "$worker" >"dump.$worker" || fail "a dump of worker $worker"
    grep -q '(/.*/gunicorn/workers/.*py:[0-9]*)$' "dump.$worker" || fail "a worker: $(cat "dump.$worker")"
done
"$trec" --report=top -d 1 -p $server 2>top &
recorder=$!
"$python" client.py "$port" 1.2 >/dev/null
wait $recorder
grep -q 'heavy_part' top || fail "the report does not name the function: $(cat top)"
grep 'heavy_part' top | grep -q '<====' || fail "the view's function is not own code: $(cat top)"
kill $server
run wait $server
expect "status of the server" 0 "$status"
trap - EXIT
echo "requests: $(cat during)"; grep joined messages
