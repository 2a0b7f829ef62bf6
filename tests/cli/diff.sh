#!/bin/bash
# Two traces compared: the function that changed comes first, with its sign and its size; text,
# pictures and folded stacks say the same; what cannot be compared is refused.
. "$ROOT/tests/lib/trender.sh"
tconv=$BUILD/tconv
export COLUMNS=100
"$BUILD/targets/diff_trace" before before.cbor.zst
"$BUILD/targets/diff_trace" after after.cbor.zst

# rows FILE: "name before after change note" of each row of a comparison, units left out.
cat >rows.py <<'PYTHON'
import re, sys
units = {"ns": 1e-6, "µs": 1e-3, "ms": 1, "s": 1e3}
amount = r"([+−]?[\d.]+ (?:ns|µs|ms|s)|–|0)"
def ms(text):
    if text in "–0":
        return 0.0
    number, unit = text.lstrip("+−").split(" ")
    return float(number) * units[unit] * (-1 if text[0] == "−" else 1)
for line in open(sys.argv[1], encoding="utf-8"):
    m = re.match(rf" +{amount} +{amount} +{amount} +([+−]?[\d.]+)  (new |gone|~   |    ) (\S+)", line)
    if m:
        before, after, change, points, note, name = m.groups()
        print(name, *(f"{ms(x):g}" for x in (before, after, change)), points.replace("−", "-").lstrip("+"), note.strip())
PYTHON
rows() { $python3 rows.py "$1" | sed 's/ *$//'; }

# Exactly what was changed, the largest first; the rest is as it was.
"$trender" before.cbor.zst --diff after.cbor.zst >diff.txt
expect "changes" "lookup 100 200 100 12.7
escape_html 150 60 -90 -10.5
evict 70 0 -70 -8.3 gone
arena_alloc 0 45 45 5.5 new
legacy_cache 20 0 -20 -2.4 gone" "$(rows diff.txt | head -n 5)"
expect "what is not sure" "handle next_token to_json" \
    "$(rows diff.txt | awk '$6 == "~" {print $1}' | sort | tr '\n' ' ' | sed 's/ $//')"
! rows diff.txt | grep -q 'parse_request\|deflate\|clear_page\|main' || fail "what is as it was has a row"
grep -q '^2 functions without a name are in one recording only: 1\.8 % before, 1\.8 % after$' diff.txt || fail "code without names"
expect "the head" "./shop-1.0 --requests=1000 → ./shop-1.1 --requests=1000" "$(head -n 1 diff.txt)"
grep -q '^CPU  *840 ms  *813 ms  *−27 ms  *−3.2 %$' diff.txt || fail "total of CPU"
grep -q '^peak memory  *81 MiB  *120 MiB  *+39 MiB  *+48.1 %$' diff.txt || fail "total of memory"

# The other way round all signs are the other.
"$trender" after.cbor.zst --diff before.cbor.zst >back.txt
expect "back" "$(rows diff.txt | awk '{print $1, $3, $2, -$4}' | sort)" \
    "$(rows back.txt | awk '{print $1, $2, $3, $4}' | sort)"

# By share, with what is called, by other keys; as many rows as asked for.
"$trender" --view top --sort total before.cbor.zst --diff after.cbor.zst >total.txt
expect "largest total" "lookup 100 200 100" "$(rows total.txt | grep -v '^route' | head -n 1 | cut -d ' ' -f 1-4)"
grep -q ' route ' total.txt || fail "a caller of what changed"
"$trender" --sort share --top 2 before.cbor.zst --diff after.cbor.zst >share.txt
expect "rows by share" "lookup escape_html" "$(rows share.txt | cut -d ' ' -f 1 | xargs)"
"$trender" --by file before.cbor.zst --diff after.cbor.zst >file.txt
grep -q '610 ms  *578 ms  *−32 ms .*shop\.c$' file.txt || fail "by file"
"$trender" --by module before.cbor.zst --diff after.cbor.zst >module.txt
! grep -q ' gone \| new ' module.txt || fail "a module that is called otherwise is another"
"$trender" --by line before.cbor.zst --diff after.cbor.zst >line.txt
[ "$(rows line.txt | wc -l)" -gt "$(rows diff.txt | wc -l)" ] || fail "by line"

# A trace against itself.
for view in diff top usage; do
    run "$trender" --view $view before.cbor.zst --diff before.cbor.zst >same.txt
    expect "status of $view against itself" 0 $status
    [ $view = usage ] || grep -q '^No difference' same.txt || fail "$view against itself"
    ! grep -q '+[1-9]\|−[1-9]' same.txt || fail "$view against itself differs"
done
"$tconv" -q --folded --diff before.cbor.zst before.cbor.zst | awk '$(NF - 1) != $NF {exit 1}' ||
    fail "folded stacks against themselves"

# Folded: what difffolded.pl makes of two files, which knows no other names of the same.
plain() { sed 's/^shop-1.0/shop-1.1/; s/\.py:[0-9]*)/.py)/g' "$1"; }
"$tconv" -q --folded before.cbor.zst >before.folded
"$tconv" -q --folded after.cbor.zst >after.folded
plain before.folded >a.folded
plain after.folded >b.folded
difffolded() {
    awk '{n = $NF; sub(/ [0-9]+$/, ""); sum[FILENAME == ARGV[1] ? 1 : 2, $0] += n; all[$0]}
        END {for (s in all) print s, sum[1, s] + 0, sum[2, s] + 0}' "$1" "$2" | LC_ALL=C sort
}
for weight in samples cpu; do
    "$tconv" -q --folded --weight $weight before.cbor.zst >before.folded
    "$tconv" -q --folded --weight $weight after.cbor.zst >after.folded
    plain before.folded >a.folded
    plain after.folded >b.folded
    difffolded a.folded b.folded >wanted
    "$tconv" -q --folded --weight $weight --diff after.cbor.zst before.cbor.zst | LC_ALL=C sort >got
    diff -u wanted got || fail "folded in $weight"
done
if command -v difffolded.pl >/dev/null; then
    difffolded.pl a.folded b.folded | LC_ALL=C sort | diff - got || fail "difffolded.pl"
fi
if command -v flamegraph.pl >/dev/null; then
    "$tconv" -q --folded --diff after.cbor.zst before.cbor.zst | flamegraph.pl >theirs.svg
    grep -q '<title>lookup' theirs.svg || fail "flamegraph.pl"
else
    echo "SKIPPED: no flamegraph.pl here"
fi

# Files of other programs, exactly.
printf 'a;b 10\na;c 5\n' >one.folded
printf 'a;b 4\na;d 90\n' >two.folded
"$trender" --weight samples one.folded --diff two.folded >folded.txt
grep -q '^ *– *90 *+90 .*new *d$' folded.txt || fail "a new stack of a folded file"
expect "of folded files" "two.folded;a;b 10 4 two.folded;a;c 5 0 two.folded;a;d 0 90" "$("$tconv" -q --folded --diff two.folded one.folded | xargs)"

# Pictures: well-formed, bounded, the same each time; what is more and less is told without colour.
for shape in make threads many wide hostile metrics nonsense; do trace $shape; done
for view in diff flame usage; do
    for pair in "before after" "threads make" "make threads" "wide threads" "threads hostile" "hostile nonsense" \
        "nonsense many" "metrics threads" "after metrics"; do
        read -r a b <<<"$pair"
        run "$trender" -q --view $view -o $view.svg $a.cbor.zst --diff $b.cbor.zst
        case $status in 0 | 3 | 4) ;; *) fail "$view of $pair: status $status" ;; esac
        "$trender" -q --view $view -o again.svg $a.cbor.zst --diff $b.cbor.zst || true
        cmp $view.svg again.svg || fail "$view of $pair differs from run to run"
        $python3 -c '
import sys, xml.etree.ElementTree as tree
text = open(sys.argv[1], encoding="utf-8").read()
assert len(text) <= 1.5e6, len(text)
tree.fromstring(text)' $view.svg
    done
done
"$trender" --view flame --dump-scene before.cbor.zst --diff after.cbor.zst >flame.scene
grep -q '^item more-4 .*label="lookup +100 ms"' flame.scene || fail "what is more"
grep -q '^item less-4 .*label="render_page −90 ms"' flame.scene || fail "what is less"
expect "hatched boxes that are less" "$(grep -c '^item less' flame.scene)" \
    "$(($(grep -c '^hatch less' flame.scene) - 4))" # of the legend
grep -q '^item same .*label="parse_request"' flame.scene || fail "what is as it was"
grep -q 'label="legacy_cache −90 ms"' flame.scene || fail "what is gone"
grep -q '100 ms → 200 ms, +100 ms (+100.0 %)' flame.scene || fail "both amounts"
grep -q 'arena_alloc (new)' flame.scene || fail "what is new"

# Texts keep within the terminal.
for width in 60 80 100; do
    for pair in "before after" "hostile threads" "many make"; do
        read -r a b <<<"$pair"
        COLUMNS=$width run "$trender" -q $a.cbor.zst --diff $b.cbor.zst >wide.txt
        $python3 -c '
import sys, unicodedata
for line in open("wide.txt", encoding="utf-8"):
    width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line.rstrip())
    assert width <= int(sys.argv[1]) or line[0] == "…", (width, line)' $width || fail "$pair at $width"
    done
done

# Refused, with what is possible.
refused() {
    local pattern=$1
    shift
    run "$@" >out 2>err </dev/null
    expect "status of $*" 2 $status
    grep -q -e "$pattern" err || fail "$*: '$pattern' not in: $(cat err)"
}
refused 'trender BEFORE --diff AFTER' "$trender" --view diff before.cbor.zst
refused 'diff, flame, top and usage' "$trender" --view procs before.cbor.zst --diff after.cbor.zst
refused 'pprof -diff_base' "$tconv" --pprof --diff after.cbor.zst before.cbor.zst
refused 'trender BEFORE --diff AFTER' "$tconv" --json --diff after.cbor.zst before.cbor.zst
refused 'self and total are possible' "$trender" --sort share before.cbor.zst
refused 'for the view top only' "$trender" --by thread before.cbor.zst --diff after.cbor.zst
for tool in "$trender" "$tconv --folded"; do
    run $tool before.cbor.zst --diff missing.cbor.zst >out 2>err
    [ $status != 0 ] && grep -q 'missing.cbor.zst' err || fail "$tool: a file that is not there"
done
head -c 2400 after.cbor.zst >cut.cbor.zst
run "$trender" -q before.cbor.zst --diff cut.cbor.zst >out 2>err
expect "status with a cut trace after" 3 $status
run "$trender" -q cut.cbor.zst --diff after.cbor.zst >out 2>err
expect "status with a cut trace before" 3 $status
run "$tconv" -q --folded before.cbor.zst --diff cut.cbor.zst >out 2>err
expect "status of folded with a cut trace after" 3 $status
