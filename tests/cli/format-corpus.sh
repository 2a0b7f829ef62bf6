#!/bin/bash
# The corpus: complete, packed so that zstd itself takes the good files, and harmless to the reader
# under the checks of the fuzz target.
set -eu
export LC_ALL=C
cd "$SCRATCH"

mkdir made
"$BUILD/targets/make_corpus" made
diff <(ls made) <(cd "$ROOT/tests/corpus" && ls ./*.cbor.zst | sed 's,^\./,,')

for file in "$ROOT"/tests/corpus/good-*.cbor.zst; do
    zstd -qt "$file"
done
# Contents must be what the generator says; packed bytes depend on the version of zstd.
for file in made/good-*.cbor.zst made/unsupported-*.cbor.zst; do
    cmp <(zstd -dc "$file") <(zstd -dc "$ROOT/tests/corpus/${file#made/}")
done

"$BUILD/fuzz/fuzz_reader" "$ROOT"/tests/corpus/*.cbor.zst made/*.cbor.zst >replay.log
grep -q "files replayed" replay.log
