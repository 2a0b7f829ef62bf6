#!/bin/bash
# What takes long says how much it has read: on a terminal only, and leaves no trace there.
. "$ROOT/tests/lib/trender.sh"
$python3 -c 'import pty; pty.openpty()' 2>/dev/null ||
    { echo "SKIP: no pseudo-terminal can be had here"; exit 77; }
trace make
export TERM=xterm

# slowly COMMAND...: feeds it the trace in pieces over a second and a half; what it says on a terminal
# that is its stderr goes to terminal.txt.
slowly() {
    $python3 - "$@" <<'PYTHON'
import os, pty, subprocess, sys, threading, time
ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=open("out", "wb"), stderr=theirs)
os.close(theirs)
def feed():
    data = open("make.cbor.zst", "rb").read()
    step = len(data) // 15 + 1
    for i in range(0, len(data), step):
        process.stdin.write(data[i:i + step])
        process.stdin.flush()
        time.sleep(0.1)
    process.stdin.close()
threading.Thread(target=feed).start()
said = b""
while True:
    try:
        data = os.read(ours, 4096)
    except OSError:
        break
    if not data:
        break
    said += data
open("terminal.txt", "wb").write(said)
sys.exit(process.wait())
PYTHON
}

for command in "$trender -o x.svg --view procs -" "$trender -" "$BUILD/tconv --folded -"; do
    slowly $command
    grep -q 'iB read' terminal.txt || fail "$command said nothing: $(cat -v terminal.txt)"
    # The line is cleared before anything else is said.
    grep -q $'\e\[K' terminal.txt || fail "$command cleared nothing"
    ! sed $'s/.*\e\\[K//' terminal.txt | grep -q 'iB read' || fail "$command left a line: $(cat -v terminal.txt)"
    [ ! -s out ] || ! grep -q 'iB read' out || fail "$command wrote it with its data"
done
slowly "$trender" -q -o x.svg --view procs -
[ ! -s terminal.txt ] || fail "-q: $(cat -v terminal.txt)"
TERM=dumb slowly "$trender" -o x.svg --view procs -
! grep -q 'iB read' terminal.txt || fail "TERM=dumb"

# Into a file or a pipe nothing is said.
(head -c 3000 make.cbor.zst; sleep 0.7; tail -c +3001 make.cbor.zst) | "$trender" -o x.svg --view procs - 2>error.txt
[ ! -s error.txt ] || fail "on no terminal: $(cat error.txt)"
