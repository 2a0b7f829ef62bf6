#!/bin/bash
# Names with markup, quotes, separators, newlines, escapes and bytes that are no UTF-8 break
# nothing: every format stays what it is, and nothing that drives a terminal, or turns text around,
# reaches one.
. "$ROOT/tests/lib/trec.sh"
trender=$BUILD/trender

nasty=$'<b id="x">&\'; \n\r\t\x1b[31m\x1b]0;own\x07\xff\xc3(\xc2\x9b1m\x7f]]>\xe2\x80\xae\xe2\x81\xa6'
markup=$'</text><script>&"\'' separators=$'a;b;c 99\nd 1\n' escape=$'\x1b]0;x\x07\x1b[2J\r\b' encoding=$'\xe2\x80\xae\xff\xfe\xc3(\xed\xa0\x80\xc2\x9b1m'
place="$PWD/pl$nasty"
mkdir "$place"
cc_target -w -g0 -c -o names.o "$ROOT/tests/targets/hostile_names.c"
command -v objcopy >/dev/null || { echo "SKIP: no objcopy"; exit 77; }
objcopy --redefine-sym "hostile_markup=$markup" --redefine-sym "hostile_separators=$separators" \
    --redefine-sym "hostile_escape=$escape" --redefine-sym "hostile_encoding=$encoding" names.o
program="$place/prog$nasty"
${CC:-cc} -g0 -pthread -o "$program" names.o
# A function whose source file has such a name.
printf '#line 7 "%s"\n%s\n' 'so<u>r&amp;ce;\033[31m\n.c' \
    'int main(void) { unsigned long i; volatile unsigned long n = 0; for (i = 0; i < 60000000; i++) n += i; return n == 3; }' >lines.c
${CC:-cc} -w -g -O1 -o "$place/lines$nasty" lines.c

"$trec" -q -o t.cbor.zst -- sh -c '"$1" "$1" "$3" arg "$3"; "$2" "$3"' "$nasty" \
    "$program" "$place/lines$nasty" "$nasty" || fail "trec itself: $?"
has_samples=1
can_sample || has_samples=0

cat >check.py <<'PY'
import gzip, json, re, sys, xml.dom.minidom
kind, path = sys.argv[1:]
data = open(path, "rb").read()
if data.startswith(b"\x1f\x8b"):
    data = gzip.decompress(data)
text = data.decode("utf-8")  # strict
bad = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
def no_controls(what=text):
    found = bad.search(what)
    assert not found, f"{path}: {what[max(0, found.start() - 40):found.end() + 20]!r}"
if kind == "json":
    json.loads(text)
    no_controls()
elif kind == "lines":
    for line in text.splitlines():
        json.loads(line)
    assert len(text.splitlines()) == text.count("\n"), "lines within lines"
    no_controls()
elif kind == "folded":
    assert len(text.splitlines()) == text.count("\n")
    no_controls()
    for line in text.splitlines():
        stack, count = line.rsplit(" ", 1)
        assert count.isdigit() and all(stack.split(";")), repr(line)
elif kind == "xml":
    no_controls()
    document = xml.dom.minidom.parseString(data)
    assert not document.getElementsByTagName("script"), "a script from a name"
    assert not document.getElementsByTagName("b") and not document.getElementsByTagName("x")
elif kind == "text":
    no_controls()
PY
check() { /usr/bin/python3 check.py "$1" "$2" || fail "$2 is no $1"; }

for format in $("$tconv" --list-formats | awk '/^[a-z]/ {print $1}'); do
    case $format in
    json) as=lines ;;
    speedscope | chrome-trace | firefox) as=json ;;
    folded) as=folded ;;
    callgrind | perf-script) as=text ;;
    *) as=binary ;;
    esac
    options=--$format
    [ "$format" != csv ] || options="--csv --table function"
    # shellcheck disable=SC2086
    "$tconv" $options -o "out.$format" t.cbor.zst 2>"err.$format" || [ $? = 4 ] || fail "tconv --$format: $(cat "err.$format")"
    check text "err.$format"
    [ $as = binary ] || check $as "out.$format"
done
if [ $has_samples = 1 ]; then
    grep -q 'text' out.folded && grep -q 'script' out.folded || fail "the function is not there"
    [ "$(/usr/bin/python3 -c "
import json
names = {f['name'] for f in json.load(open('out.speedscope'))['shared']['frames']}
print(sum(n in names for n in [b'</text><script>&\"\'', ]) + sum('script' in n for n in names))")" -gt 0 ] ||
        fail "the function is not in speedscope's frames"
fi

# Some views are no pictures, others only that.
draw() {
    run "$trender" "$@" t.cbor.zst 2>err.txt
    case $status in 0 | 2 | 4) ;; *) fail "trender $*: $(cat err.txt)" ;; esac
}
for view in $("$trender" --list-views | awk '/^[a-z]/ {print $1}') ''; do
    draw ${view:+--view "$view"} >out.txt
    check text out.txt
    check text err.txt
    for theme in light dark; do
        draw ${view:+--view "$view"} --theme $theme -o out.svg
        check text err.txt
        [ ! -e out.svg ] || check xml out.svg
        rm -f out.svg
    done
done

# The stacks of a running program, printed.
"$program" "$nasty" &
sleep 0.2
"$trec" --dump -p $! >out.txt 2>err.txt || true
wait $! || true
check text out.txt
check text err.txt

# What the tools say of such names, and of traces that are named so.
says() { "$@" >out.txt 2>err.txt || true; [ -s err.txt ] || fail "nothing said by ${*@Q}"; check text err.txt; }
cp t.cbor.zst "$place/t.cbor.zst"
head -c 3000 t.cbor.zst >"$place/cut$nasty"
says "$trec" -o x.cbor.zst "$place/none$nasty"
says "$trec" -o "$place/no$nasty/x" true
says "$trec" "--$nasty" true
says "$trec" -o "$place" true
says "$trec" --rate "$nasty" true
says "$tconv" --json "$place/none$nasty"
says "$tconv" --json "$place/cut$nasty"
says "$tconv" "--$nasty"
says "$tconv" --thread "$nasty" --json t.cbor.zst
says "$tconv" -o "$place/no$nasty/x.json" t.cbor.zst
says "$trender" "$place/cut$nasty"
says "$trender" --view "$nasty" t.cbor.zst
says "$trender" -o "$place/no$nasty/x.svg" t.cbor.zst
(cd "$place" && "$trec" -v ./prog* >/dev/null 2>"$SCRATCH/err.txt") || true
check text err.txt
