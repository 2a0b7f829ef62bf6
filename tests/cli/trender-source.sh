#!/bin/bash
# The view source: shares of lines against what is known of them, recursion once, sources that
# moved, changed, or are no files at all.
. "$ROOT/tests/lib/trender.sh"
export COLUMNS=130
mkdir src
cat >src/hot.c <<'C'
#include <time.h>

static volatile unsigned long sink;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void spin(double seconds)
{
	double end = now() + seconds;
	while (now() < end)
		for (int i = 0; i < 100000; i++)
			sink += (unsigned long)i * sink; /* HOT */
}

static inline __attribute__((always_inline)) void inlined(double seconds)
{
	spin(seconds); /* INLINED */
}

static int descend(int depth)
{
	if (depth > 0)
		return descend(depth - 1) + 1; /* RECURSION */
	spin(0.4);			       /* DEEP */
	return 0;
}

int main(void)
{
	spin(1.0); /* FIRST */
	inlined(0.6);
	return descend(5) != 5; /* LAST 	tab, 宽宽 */
}
C
cat >hot.py <<'PYTHON'
import time

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(20000))  # HOT

def main():
    burn(0.75)  # FIRST
    burn(0.25)  # SECOND

main()  # ALL
PYTHON
sleep 0.02
gcc -g -O0 -o hot src/hot.c
"$BUILD/trec" -q -o c.cbor.zst ./hot || fail "trec ./hot"

# share MARK COLUMN <TEXT: the self (1) or total (2) share of the line with that mark
share() {
    $python3 - "$1" "$2" 3<&0 <<'PYTHON'
import re, sys
mark, column = sys.argv[1], int(sys.argv[2])
for line in open(3):
    if mark in line:
        self, total = line[:7].strip(), line[18:27].strip()
        text = (self, total)[column - 1]
        print(round(float(text.rstrip(" %") or 0)))
        break
PYTHON
}
near() { # near WHAT WANTED GOT
    [ -n "$3" ] && [ "$3" -ge $(($2 - 4)) ] && [ "$3" -le $(($2 + 4)) ] || {
        cat view.txt >&2
        fail "$1: wanted about $2 %, got '$3'"
    }
}
"$trender" --view source c.cbor.zst >view.txt
near "FIRST" 50 "$(share FIRST 2 <view.txt)"
near "INLINED" 30 "$(share INLINED 2 <view.txt)"
near "DEEP" 20 "$(share DEEP 2 <view.txt)"
near "RECURSION, once" 20 "$(share RECURSION 2 <view.txt)"
[ "$(share HOT 1 <view.txt)" -gt 50 ] || fail "the hot line has no self time"
for name in src/hot.c spin descend inlined main; do
    grep -q "%.*  $name\$" view.txt || fail "no heading $name"
done
grep -q '^ *1  #include' view.txt && fail "lines far from any cost are shown"
$python3 - <<'PYTHON'
import re, unicodedata
for line in open("view.txt"):
    width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.rstrip("\n"))
    assert width <= 130 and "\t" not in line, line
assert any(re.search(r"LAST  +tab, 宽宽 \*/", line) for line in open("view.txt"))
PYTHON
# A line that is too long ends in "…", at the width that there is.
COLUMNS=60 "$trender" --view source c.cbor.zst | grep -q '…$' || fail "nothing was cut"
"$trender" --view source --min 15 c.cbor.zst | grep -q "HOT" || fail "--min 15 left out the hot line"
"$trender" --view source --weight samples c.cbor.zst | grep -q samples || fail "--weight samples"

# Moved: found below --source-path, and by the start of its path; said where it was read.
mv src old
"$trender" --view source c.cbor.zst >gone.txt
grep -q "not found: --source-path DIR" gone.txt || fail "a missing source is not said"
grep -q '^ *[0-9.]* %.* 17$' gone.txt || fail "without its source, a line has no number"
mkdir -p far/away
cp -p old/hot.c far/away
for path in old far/away "$PWD/src=$PWD/old" "$PWD/src/hot.c=$PWD/old/hot.c"; do
    "$trender" --view source --source-path "$path" c.cbor.zst >moved.txt
    grep -q "read from .*hot.c" moved.txt || fail "--source-path $path: not found"
    near "--source-path $path" 50 "$(share FIRST 2 <moved.txt)"
done
"$trender" --view source --source-path far --source-path "$PWD/s=$PWD/old" c.cbor.zst >wrong.txt
grep -q "not found" wrong.txt || fail "found where it is not"

# Changed: shown, and said once; an older one elsewhere is better.
cp -rp old src
touch -d '+1 hour' src/hot.c
"$trender" --view source c.cbor.zst >changed.txt
expect "warnings of a changed source" 1 "$(grep -c "changed since" changed.txt)"
near "changed" 50 "$(share FIRST 2 <changed.txt)"
"$trender" --view source --source-path old c.cbor.zst >better.txt
grep -q "changed since" better.txt && fail "a changed file was preferred"

# What is no file of text is not read, and nothing waits for it.
for kind in fifo device folder binary huge; do
    rm -rf src/hot.c
    case $kind in
    fifo) mkfifo src/hot.c ;;
    device) ln -s /dev/zero src/hot.c ;;
    folder) mkdir src/hot.c ;;
    binary) cp -p hot src/hot.c ;;
    huge) truncate -s 4G src/hot.c ;;
    esac
    timeout 20 "$trender" --view source c.cbor.zst >odd.txt || fail "$kind: status $?"
    grep -q "… \(no text file\|too large\)" odd.txt || fail "$kind: no reason"
    grep -q FIRST odd.txt && fail "$kind: text"
done

# Files of others are not shown unless they are called own.
"$trender" --view source --own /nowhere c.cbor.zst >none.txt
grep -q "No line of own code is known" none.txt || fail "no own code is not said"

"$BUILD/trec" -q -o p.cbor.zst $python3 hot.py || fail "trec hot.py"
"$trender" --view source p.cbor.zst >view.txt
first=$(share FIRST 2 <view.txt)
second=$(share SECOND 2 <view.txt)
near "Python: three quarters of both" 75 $((first * 100 / (first + second)))
near "Python: all of both" "$((first + second))" "$(share ALL 2 <view.txt)"
"$trender" --view source --own / --min 0 --top 1000 p.cbor.zst >all.txt
[ "$(grep -c '^ *[0-9.]* %.*\.py$' all.txt)" -ge 1 ] || fail "--own / shows no file"

# What V8 compiled is at the line on which its function begins.
if command -v node >/dev/null; then
    cat >hot.js <<'JS'
"use strict";
function spin(x, n) {  // SPIN
  for (let i = 0; i < n; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; }
  return x;
}
const end = process.cpuUsage().user + 600000;
let x = 7;
while (process.cpuUsage().user < end) x = spin(x, 100000);
JS
    sleep 0.02
    "$BUILD/trec" -q -o js.cbor.zst node --perf-basic-prof hot.js || fail "trec node"
    "$trender" --view source js.cbor.zst >view.txt
    [ "$(share SPIN 2 <view.txt)" -gt 30 ] || { cat view.txt >&2; fail "no line of JavaScript"; }
    grep -q '%.*  spin$' view.txt || fail "no heading spin"
fi
