#!/bin/bash
# --diag: every chunk in CBOR's notation, also of bad files, in bounded size.
. "$ROOT/tests/lib/tconv.sh"
corpus=$ROOT/tests/corpus

"$tconv" --diag tiny.cbor.zst >out
expect "frames" "$(zstd -l tiny.cbor.zst | awk 'NR == 2 { print $1 }')" "$(grep -c '^/ byte [0-9]*: frame, ' out)"
expect "the first line" "/ byte 0: frame" "$(head -n 1 out | cut -c 1-15)"
grep -q '^55799({$' out || fail "no header"
grep -q '"kind": "sample"' out || fail "no samples"
grep -q '[0-9][0-9]*(/ [0-9]* u[0-9]* / \[[0-9]*, ' out || fail "no typed array as numbers"

# The same numbers as another reader of CBOR.
/usr/bin/python3 -c 'import cbor2, zstandard' 2>/dev/null || { echo "no python3-cbor2"; exit 77; }
"$tconv" --diag -v tiny.cbor.zst >full
/usr/bin/python3 - <<'PYTHON'
import io, re, cbor2, zstandard
text = open("full").read()
text = re.sub(r"^/ byte .* /$", "", text, flags=re.M)
data = zstandard.ZstdDecompressor().stream_reader(
    open("tiny.cbor.zst", "rb"), read_across_frames=True).read()
sequence = io.BytesIO(data)
CODES = {64: "B", 69: "H", 70: "I", 71: "Q", 72: "b", 77: "h", 78: "i", 79: "q"}

class Notation:
    """Reads what --diag writes: enough of RFC 8949, 8, to get the values back."""
    def __init__(self, text):
        self.text, self.at = text, 0

    def skip(self):
        while True:
            match = re.compile(r"\s+|/[^/]*/").match(self.text, self.at)
            if not match:
                return
            self.at = match.end()

    def next(self, token):
        self.skip()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def members(self, end, one):
        out = []
        while not self.next(end):
            out.append(one())
            self.next(",")
        return out

    def pair(self):
        key = self.item()
        assert self.next(":")
        return key, self.item()

    def item(self):
        self.skip()
        if self.next("{"):
            return dict(self.members("}", self.pair))
        if self.next("["):
            return self.members("]", self.item)
        for word, value in ("true", True), ("false", False), ("null", None):
            if self.next(word):
                return value
        match = re.compile(r"h'([0-9a-f]*)'").match(self.text, self.at)
        if match:
            self.at = match.end()
            return bytes.fromhex(match[1])
        match = re.compile(r'"((?:[^"\\]|\\.)*)"').match(self.text, self.at)
        if match:
            self.at = match.end()
            return re.sub(r"\\(?:u(....)|(.))",
                          lambda m: chr(int(m[1], 16)) if m[1] else {"n": "\n"}.get(m[2], m[2]), match[1])
        match = re.compile(r"-?\d+").match(self.text, self.at)
        self.at = match.end()
        number = int(match[0])
        if self.next("("):
            value = self.item()
            assert self.next(")")
            return cbor2.CBORTag(number, value)
        return number

def plain(value):
    if isinstance(value, cbor2.CBORTag):
        if value.tag == 55799:  # cbor2 drops it
            return plain(value.value)
        if value.tag in CODES and isinstance(value.value, bytes):
            import array
            return plain(cbor2.CBORTag(value.tag, list(array.array(CODES[value.tag], value.value))))
        return "tag", value.tag, plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value

notation = Notation(text)
count = 0
while sequence.tell() < len(data):
    wanted, got = plain(cbor2.load(sequence)), plain(notation.item())
    assert wanted == got, (count, wanted, got)
    count += 1
notation.skip()
assert notation.at == len(text), text[notation.at:notation.at + 80]
assert count > 10
PYTHON

# Any file: an end, no more than some text, and the right status.
for file in "$corpus"/*.cbor.zst; do
    run "$tconv" --diag "$file"
    case ${file##*/} in
    bad-foreign-*) expect "status of $file" 1 "$status"; expect "text about $file" 0 "$(wc -c <out)" ;;
    bad-bit-flipped* | bad-bytes-between* | bad-limit-chunk* | bad-limit-nesting* | bad-no-checksum*)
        expect "status of $file" 3 "$status" ;;
    *) expect "status of $file" 0 "$status" ;;
    esac
    [ "$(wc -c <out)" -lt 20000 ] || fail "$file: $(wc -c <out) bytes of text"
done
"$tconv" --diag "$corpus/bad-limit-nesting.cbor.zst" 2>&1 | grep -q 'nested too deeply' || fail "nesting"
"$tconv" --diag "$corpus/good-skippable.cbor.zst" | grep -q '^/ byte .*: skippable frame, 10 bytes /$' || fail "skippable"
"$tconv" --diag "$corpus/bad-bytes-between.cbor.zst" | grep -q 'bytes skipped: no frame begins here' || fail "foreign bytes"

# Items that only others write, and broken ones.
pack() { printf '%b' "$1" >made && zstd -q --check -c made >made.cbor.zst; }
shows() {
    run "$tconv" --diag - < <(cat made.cbor.zst)
    expect "status of $1" "$2" "$status"
    grep -qF -- "$1" out || fail "no '$1' in: $(cat out)"
}
pack '\xbf\x61a\x9f\x01\x20\xff\x61b\xf9\x3c\x00\x61c\xf7\x61d\x3b\xff\xff\xff\xff\xff\xff\xff\xff\xff'
shows '"a": [_ 1, -1]' 0
shows '"b": 1' 0
shows '"c": undefined' 0
shows '"d": -18446744073709551616' 0
pack '\xa1\x61a\x63\xff\x1b\x00'
shows "h'ff1b00' / text that is no UTF-8 /" 0
pack '\xa1\x61a\x62\x1b['
shows '"\u001b["' 0
pack '\xa1\x61a\x5a\xff\xff\xff\xff'
shows 'a string that is longer than what there is' 3
pack '\xa1\x61a\x1c'
shows 'a reserved head' 3
printf '\xa1\x61a' >deep; head -c 100000 /dev/zero | tr '\0' '\301' >>deep
zstd -q --check -c deep >made.cbor.zst
shows 'nested too deeply' 3
