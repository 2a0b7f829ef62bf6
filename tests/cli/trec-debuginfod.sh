#!/bin/bash
# Debug information from a server: for who asks for it, and never for long.
. "$ROOT/tests/lib/trec.sh"
need_stacks
trap 'kill $server 2>/dev/null || true' EXIT
server=0
export DEBUGINFOD_CACHE_PATH="$PWD/cache" HOME="$PWD"

cc_target -Wl,--build-id -o shares "$ROOT/tests/targets/shares.c"
id=$(readelf -n shares | sed -n 's/.*Build ID: //p')
objcopy --only-keep-debug shares shares.debug
strip -s shares

# A server that knows one file, or with "silent" never answers.
cat >server.py <<'END'
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, file=open("requests", "a"), flush=True)
        if sys.argv[1] == "silent":
            time.sleep(600)
        if self.path != f"/buildid/{sys.argv[1]}/debuginfo":
            return self.send_error(404)
        data = open("shares.debug", "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, file=open("port", "w"), flush=True)
server.serve_forever()
END
serve() {
    rm -f port requests
    : >requests
    /usr/bin/python3 server.py "$1" &
    server=$!
    until [ -s port ]; do sleep 0.05; done
    export DEBUGINFOD_URLS="http://127.0.0.1:$(cat port)/"
}
# names FILE: whether the trace has the program's names
names() { "$tconv" -q --folded "$1" | grep -q 'main;chain_5;chain_4;.*;alpha'; }

serve "$id"
"$trec" -q -o unasked.cbor.zst -- ./shares 0.5 >/dev/null
names unasked.cbor.zst && fail "names that nobody asked for"
[ ! -s requests ] || fail "a server was asked unasked: $(cat requests)"
"$trec" -q --debuginfod -o asked.cbor.zst -- ./shares 0.5 >/dev/null
if ! names asked.cbor.zst; then
    ldconfig -p | grep -q libdebuginfod.so.1 || { echo "SKIP: no libdebuginfod"; exit 77; }
    fail "no names from the server; it was asked for: $(cat requests)"
fi
grep -q "/buildid/$id/debuginfo" requests || fail "not asked"
"$tconv" -q --json asked.cbor.zst | grep -q '"function":"alpha".*shares.c.*"line":' || fail "no lines"

# What a server says is not believed: this is another file's.
kill $server
rm -rf cache
objcopy --only-keep-debug "$tconv" shares.debug
serve "$id"
"$trec" -q --debuginfod -o wrong.cbor.zst -- ./shares 0.5 >/dev/null
names wrong.cbor.zst && fail "names from another file"
"$tconv" -q --folded wrong.cbor.zst | grep -q 'shares+0x' || fail "no whole functions"

# A server that never answers: the program's end waits seconds, not minutes.
kill $server
rm -rf cache
serve silent
run timeout 30 "$trec" -q --debuginfod -o silent.cbor.zst -- ./shares 0.5 >/dev/null
expect "status with a silent server" 0 $status
[ -s requests ] || fail "the silent server was not asked"
"$tconv" -q --folded silent.cbor.zst | grep -q 'shares+0x' || fail "no samples"

# Nobody to ask: said once.
unset DEBUGINFOD_URLS
"$trec" --debuginfod -o none.cbor.zst -- ./shares 0.2 2>&1 >/dev/null | grep -q 'DEBUGINFOD_URLS is not set' ||
    fail "nothing is said when nobody can be asked"
