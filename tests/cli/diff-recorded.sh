#!/bin/bash
# A program recorded before and after a known change: the function that changed comes first, with the
# right sign and size.
. "$ROOT/tests/lib/trec.sh"
need_stacks
cc_target -o work-1.0 "$ROOT/tests/targets/changed.c"
mkdir -p elsewhere
cc_target -DAFTER -o elsewhere/work-1.1 "$ROOT/tests/targets/changed.c"
"$trec" -q --rate 4999 -o before.cbor.zst ./work-1.0
"$trec" -q --rate 4999 -o after.cbor.zst elsewhere/work-1.1
export COLUMNS=100
"$BUILD/trender" before.cbor.zst --diff after.cbor.zst >diff.txt
cat diff.txt

# near WHAT WANTED_MS: within 6 % and a little, of the two columns of stacks that end in it.
"$tconv" -q --folded --weight cpu --diff after.cbor.zst before.cbor.zst >both.folded
near() {
    awk -v name="$1" -v wanted="$2" '
        {n = $(NF - 1); m = $NF; sub(/ [0-9]+ [0-9]+$/, "")}
        index($0 ";", ";" name ";") {sum += (m - n) / 1e6}
        END {
            off = sum - wanted; limit = 6 + 0.06 * (wanted < 0 ? -wanted : wanted)
            printf "%s: %+.1f ms, built to %+d\n", name, sum, wanted
            exit !(off <= limit && off >= -limit)
        }' both.folded || fail "the change of $1"
}
near compute 200
near legacy -150
near fresh 120
near parse 0
near report 0
order() { sed -n 's/^ .*[+−][0-9.]* *\(new\|gone\|~\|\) *\(compute\|legacy\|fresh\|parse\|report\) .*/\2/p' diff.txt | head -n 3 | xargs; }
expect "the largest changes" "compute legacy fresh" "$(order)"
grep -q '^ .* +[0-9.]* ms .*compute ' diff.txt || fail "compute has become more"
grep -q '^ .* −[0-9.]* ms .*gone legacy ' diff.txt || fail "legacy is gone"
grep -q '^ .*new  fresh ' diff.txt || fail "fresh is new"

# A Python program, edited: lines have moved, its folder is another.
cat >app.py <<'PYTHON'
import time

def spin(ms):
    end = time.thread_time() + ms / 1000
    while time.thread_time() < end:
        pass

def load():
    spin(300)

def index():
    spin(150)

load()
index()
PYTHON
{ echo '# Faster than ever.'; sed 's/spin(150)/spin(450)/' app.py; } >elsewhere/app.py
python=$(command -v /usr/bin/python3)
"$trec" -q --rate 999 -o before.cbor.zst "$python" app.py
"$trec" -q --rate 999 -o after.cbor.zst "$python" elsewhere/app.py
if ! "$tconv" -q --folded after.cbor.zst | grep -q 'index (app.py'; then
    echo "SKIPPED: no Python stacks here"
    exit 0
fi
"$tconv" -q --folded --weight cpu --diff after.cbor.zst before.cbor.zst >both.folded
near "index (app.py)" 300
near "load (app.py)" 0
"$BUILD/trender" --sort total before.cbor.zst --diff after.cbor.zst >total.txt
grep -q '^ .* ms  *[0-9.]* ms  *+[0-9.]* ms .* index ' total.txt || fail "index is one function"
