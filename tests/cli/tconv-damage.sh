#!/bin/bash
# A cut or damaged trace: status 3, one line, and what was whole is written. Pipes work as files do.
. "$ROOT/tests/lib/tconv.sh"

size=$(stat -c %s tiny.cbor.zst)
for cut in $((size - 1)) $((size * 3 / 4)) $((size / 2)); do
    head -c "$cut" tiny.cbor.zst >cut.cbor.zst
    for format in $(formats); do
        rm -f "cut.$format"
        run "$tconv" -q --$format -o "cut.$format" cut.cbor.zst
        expect "status of --$format cut at $cut" 3 "$status"
        [ -e "cut.$format" ] || fail "--$format cut at $cut: nothing was written"
    done
    /usr/bin/python3 - <<'PYTHON'
import json
rows = [json.loads(line) for line in open("cut.json")]
assert rows[0]["kind"] == "header" and rows[-1]["kind"] == "end"
assert rows[-1]["complete"] is False and rows[-1]["damage"]["has_end"] is False, rows[-1]
json.load(open("cut.speedscope")), json.load(open("cut.chrome-trace"))
PYTHON
done
run "$tconv" --json cut.cbor.zst
expect "lines that say the trace is cut" 1 "$(grep -c 'cut' err)"

# Every byte flipped in turn: never a crash, never a wrong status.
# shellcheck disable=SC2046
/usr/bin/python3 - "$tconv" $(formats) <<'PYTHON'
import subprocess, sys
data = bytearray(open("tiny.cbor.zst", "rb").read())
for at in range(0, len(data), 7):
    data[at] ^= 0x55
    open("flip.cbor.zst", "wb").write(data)
    data[at] ^= 0x55
    # Four formats in turn: all of them meet damage all over the file.
    forms = sys.argv[2:]
    for form in (forms + forms)[at // 7 * 4 % len(forms):][:4]:
        done = subprocess.run([sys.argv[1], "-q", "--" + form, "flip.cbor.zst"], capture_output=True)
        assert done.returncode in (0, 1, 3), (at, form, done)
PYTHON

# A stack of a thread whose row is lost is not said to be of an unknown process.
/usr/bin/python3 - "$tconv" <<'PYTHON'
import cbor2, subprocess, sys, zstandard
data, at, found = open("tiny.cbor.zst", "rb").read(), 0, []
while at < len(data):
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    chunk, end = cbor2.loads(unpacker.decompress(data[at:])), len(data) - len(unpacker.unused_data)
    if chunk["kind"] == "thread":
        found.append((at, end))
    at = end
assert found
broken = bytearray(data)
for begin, end in found:
    broken[(begin + end) // 2] ^= 4
open("threads.cbor.zst", "wb").write(broken)
done = subprocess.run([sys.argv[1], "-q", "--folded", "threads.cbor.zst"], capture_output=True)
assert done.returncode == 3, done
lines = done.stdout.splitlines()
assert lines and all(line.startswith(b"[lost]") for line in lines), lines
PYTHON

for format in $(formats); do
    "$tconv" -q --$format tiny.cbor.zst >file.out
    "$tconv" -q --$format <tiny.cbor.zst >stdin.out
    cat tiny.cbor.zst | "$tconv" -q --$format - >pipe.out
    cmp file.out stdin.out
    cmp file.out pipe.out
done
