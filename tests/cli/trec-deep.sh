#!/bin/bash
# Deep recursion and long names: whole as far as it can be, cut and marked beyond.
. "$ROOT/tests/lib/trec.sh"
need_stacks
ulimit -s unlimited 2>/dev/null || { echo "SKIP: stacks cannot grow here"; exit 77; }
cc_target -o deep "$ROOT/tests/targets/deep.c"
# depths DEPTH: of each running stack with work(), how many times down() is in it and whether it is cut.
depths() {
    "$trec" -q --rate 99 -o deep.cbor.zst -- ./deep "$1" 2 >/dev/null
    "$tconv" -q --json deep.cbor.zst | /usr/bin/python3 -c '
import collections, json, sys
frames, stacks = {}, {0: 0}
depths, cut = collections.Counter(), 0
samples = []
for line in sys.stdin:
    record = json.loads(line)
    if record["kind"] == "frame":
        frames[record["id"]] = record
    elif record["kind"] == "stack":
        stacks[record["id"]] = 1 + stacks[record.get("parent_id", 0)]
    elif record["kind"] == "sample" and record.get("state") == "running":
        samples.append(record)
deep = [(stacks[s["stack_id"]], "truncated" in (s.get("flags") or [])) for s in samples if s.get("leaf") == "work"]
deep.sort()
print(len(deep), deep[len(deep) // 2][0], sum(cut for _, cut in deep))'
}
read -r count depth cut < <(depths 5000)
echo "5,000 deep: $count samples, $depth frames, $cut cut"
[ "$count" -gt 50 ] || fail "$count samples"
[ "$depth" -gt 5000 ] && [ "$depth" -lt 5010 ] || fail "$depth frames of 5,000 calls"
[ "$cut" -le $((count / 20)) ] || fail "$cut of $count cut"
read -r count depth cut < <(depths 60000)
echo "60,000 deep: $count samples, $depth frames, $cut cut"
[ "$count" -gt 50 ] || fail "$count samples"
[ "$depth" -le 20000 ] || fail "$depth frames"
[ "$cut" = "$count" ] || fail "$cut of $count are marked as cut"

# A name of 100,000 letters: its beginning, and that it goes on.
/usr/bin/python3 -c 'print("int f" + 100000 * "x" + "(int n) { volatile int i; for (i = 0; i < n; i++) ; return i; }\nint main(void) { return !f" + 100000 * "x" + "(600000000); }")' >long.c
cc -g -o long long.c
"$trec" -q -o long.cbor.zst -- ./long
"$tconv" -q --folded long.cbor.zst >long.folded
grep -qE ';main;fx{4000,4094}\.\.\. ' long.folded || fail "no cut name: $(cut -c1-200 long.folded | head -3)"
