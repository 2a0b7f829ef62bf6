#!/bin/bash
# The recorder of Python code goes before others where that is allowed; the program never does.
. "$ROOT/tests/lib/trec.sh"
need_stacks
cat >niceness.py <<'P'
import os, subprocess, time
end = time.thread_time() + 0.5
while time.thread_time() < end:
    sum(range(100))
recorder = os.getppid()
print(os.nice(0), subprocess.check_output("nice", text=True).strip(),
      os.getpriority(os.PRIO_PROCESS, recorder))
P
"$trec" -o nice.cbor.zst -- /usr/bin/python3 niceness.py >plain
read -r own child recorder <plain
expect "nice of the program and of its child" "$(nice) $(nice)" "$own $child"
if [ "$(nice -n -20 nice 2>/dev/null)" = -20 ]; then
    expect "nice of the recorder" -20 "$recorder"
fi
"$trec" -o nice.cbor.zst -- nice -n 5 /usr/bin/python3 niceness.py >nicer
read -r own child recorder <nicer
wanted=$(nice -n 5 nice)
expect "nice of a program that wants it" "$wanted $wanted" "$own $child"
