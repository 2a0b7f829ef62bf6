#!/bin/bash
# Text on a terminal goes through the pager of the environment, and nowhere else.
. "$ROOT/tests/lib/trender.sh"
$python3 -c 'import pty; pty.openpty()' 2>/dev/null ||
    { echo "SKIP: no pseudo-terminal can be had here"; exit 77; }
trace make
unset PAGER TRENDER_PAGER LESS NO_COLOR
export TERM=xterm

# on_terminal COMMAND...: what a terminal of 24 lines shows goes to terminal.txt.
on_terminal() {
    status=0
    $python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@" >terminal.txt </dev/null || status=$?
}

# A pager that says how it was called.
cat >pager <<'EOF'
#!/bin/sh
echo "pager $* LESS=$LESS"
cat
EOF
chmod +x pager
export PATH=$PWD:$PATH

PAGER="pager -a b" on_terminal "$trender" --view tree make.cbor.zst
expect "status" 0 $status
grep -q 'pager -a b LESS=FRX' terminal.txt || fail "PAGER: $(cat terminal.txt)"
grep -q 'run_selftest' terminal.txt || fail "what the pager was given"
PAGER=none TRENDER_PAGER=pager LESS=R on_terminal "$trender" make.cbor.zst
grep -q 'LESS=R' terminal.txt || fail "TRENDER_PAGER, and a LESS of one's own"
grep -q $'\e\[31m' terminal.txt || fail "no colour through the pager"
PAGER=pager NO_COLOR=1 on_terminal "$trender" make.cbor.zst
! grep -q $'\e\[31m' terminal.txt || fail "colour in spite of NO_COLOR"

# None is wanted, or none is of use.
for wanted in cat '' ' '; do
    PAGER=$wanted on_terminal "$trender" make.cbor.zst
    grep -q 'make -j4 all' terminal.txt || fail "PAGER='$wanted'"
done
export PAGER=pager
on_terminal "$trender" --no-pager make.cbor.zst
! grep -q 'LESS=' terminal.txt || fail "--no-pager"
TERM=dumb on_terminal "$trender" make.cbor.zst
! grep -q 'LESS=' terminal.txt || fail "TERM=dumb"
on_terminal "$trender" -o file.txt make.cbor.zst
! grep -q 'LESS=' terminal.txt file.txt || fail "-o FILE"
"$trender" make.cbor.zst | cat >pipe.txt
! grep -q 'LESS=' pipe.txt || fail "into a pipe"

# A pager that is missing, fails, or leaves early is no error; the status is trender's own.
PAGER=./missing on_terminal "$trender" make.cbor.zst
expect "status with a missing pager" 0 $status
grep -q 'make -j4 all' terminal.txt || fail "text with a missing pager"
PAGER="false" on_terminal "$trender" --view tree make.cbor.zst
expect "status when the pager leaves" 0 $status
! grep -qi 'pipe\|cannot' terminal.txt || fail "a pager that leaves: $(cat terminal.txt)"
head -c $(($(stat -c %s make.cbor.zst) / 2)) make.cbor.zst >cut.cbor.zst
PAGER="true" on_terminal "$trender" --view tree cut.cbor.zst
expect "status of a cut trace" 3 $status

# The usual one, when there is one: what fits on a screen stays there, without waiting for a key.
command -v less >/dev/null || exit 0
unset PAGER
on_terminal timeout 20 "$trender" --view top --top 3 make.cbor.zst
expect "status with less" 0 $status
grep -q 'run_selftest' terminal.txt || fail "text through less"
