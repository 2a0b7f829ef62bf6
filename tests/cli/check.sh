#!/bin/bash
# --check: silent about good traces, names place, chunk and kind of what is wrong in bad ones.
. "$ROOT/tests/lib/tconv.sh"
corpus=$ROOT/tests/corpus

run "$tconv" --check tiny.cbor.zst "$corpus"/good-*.cbor.zst
expect "status of good traces" 0 "$status"
expect "lines of good traces" "$((1 + $(ls "$corpus"/good-*.cbor.zst | wc -l)))" "$(wc -l <out)"
expect "good traces" "$(wc -l <out)" "$(grep -c ': good: [0-9]* chunk' out)"
grep -q 'tiny.cbor.zst: good: .* chunks, .* records, .* rows of tables$' out || fail "$(cat out)"
cat tiny.cbor.zst | "$tconv" --check - | grep -q '^standard input: good' || fail "a pipe"

for file in "$corpus"/bad-*.cbor.zst "$corpus"/unsupported-*.cbor.zst; do
    name=${file##*/}
    run "$tconv" --check "$file"
    case $name in
    bad-foreign-* | unsupported-*)
        expect "status of $name" 1 "$status"
        expect "lines about $name" 1 "$(wc -l <err)" ;;
    *)
        expect "status of $name" 3 "$status"
        grep -q ': byte [0-9]*: ' out || fail "$name: no place: $(cat out)"
        grep -q ': bad: [0-9]* finding' out || fail "$name: no sum: $(cat out)" ;;
    esac
done

# finds FILE PATTERN
finds() {
    run "$tconv" --check "$corpus/$1.cbor.zst"
    grep -q -e "$2" out || fail "$1: no '$2' in: $(cat out)"
}
finds bad-cut 'byte 854: the end of the trace is missing'
finds bad-bit-flipped 'bytes skipped: a frame that does not unpack to what its checksum says'
finds bad-chunk-missing 'chunk 2 (sample): 1 chunk is missing before this one'
finds bad-no-checksum '10 bytes skipped: a frame without a checksum'
finds bad-bytes-between 'bytes skipped: no frame begins here'
finds bad-enum 'a value that its enumeration does not have'
finds bad-id-undefined 'chunk 1 (sample): refused: an id that no table has'
finds bad-limit-string-bytes 'chunk 1 (string): refused: a string beyond the limit'
finds bad-two-items 'bytes after its map'
finds bad-index-lie-kind '(index): is wrong about 1 chunks, first about number 1'
finds bad-index-other-trace '(index): cannot be used'

# What a reader does not mind: made by changing unpacked chunks and packing them again.
/usr/bin/python3 -c 'import cbor2, zstandard' 2>/dev/null || { echo "no python3-cbor2"; exit 77; }
/usr/bin/python3 - <<'PYTHON'
import io, cbor2, zstandard

def chunks(path):
    data = zstandard.ZstdDecompressor().stream_reader(
        open(path, "rb"), read_across_frames=True).read()
    sequence = io.BytesIO(data)
    while sequence.tell() < len(data):
        yield cbor2.load(sequence)

def write(path, change):
    packer = zstandard.ZstdCompressor(write_checksum=True, write_content_size=True)
    done = False
    with open(path, "wb") as out:
        for chunk in chunks("tiny.cbor.zst"):
            body = chunk.value if isinstance(chunk, cbor2.CBORTag) else chunk
            if not done and change(body):
                done = True
            item = cbor2.CBORTag(55799, body) if body["kind"] == "header" else body
            out.write(packer.compress(cbor2.dumps(item)))
    assert done, path

def early(chunk):
    if chunk["kind"] == "sample" and chunk["time"][0] < chunk["time"][1]:
        chunk["time"][1] = chunk["time"][0]
        return True

def counts(chunk):
    if chunk["kind"] == "end":
        chunk["counts"]["sample"] += 1
        return True

def length(chunk):
    if chunk["kind"] == "end":
        chunk["chunks"] += 1
        return True

def spans(chunk):
    if chunk["kind"] == "span":
        chunk["first_id"] += 5
        return True

def ids(chunk):
    if chunk["kind"] == "metric":
        chunk["first_id"] += 1
        return True

write("same.cbor.zst", lambda chunk: True)
for change in early, counts, length, spans, ids:
    write(change.__name__ + ".cbor.zst", change)
PYTHON
run "$tconv" --check same.cbor.zst
expect "status of a trace packed by others" 0 "$status"
corpus=.
finds early '(sample): [0-9]* times outside of the range it states'
finds counts '(end): counts [0-9]* rows of kind sample, the trace has'
finds length '(end): says [0-9]* chunks, but is number'
finds spans '(span): begins with span [0-9]*, [0-9]* is next'
finds ids '(metric): begins with id'

says 2 'one at a time' "$tconv" --check --json tiny.cbor.zst
says 1 'No such file' "$tconv" --check nothing.cbor.zst
