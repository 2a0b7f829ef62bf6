#!/bin/sh
# Record a real program and draw it: demo.sh BUILD-FOLDER OUTPUT-FOLDER
set -eu
build=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

# A small build: a C program of our own sources, compiled by two jobs at a time.
cat > Makefile <<'MK'
FILES := one two three four five six
all: $(FILES:=.o)
	@sleep 0.2; gzip -9 < big.c > big.c.gz
%.o: big.c
	@cc -O2 -c -DNAME=$* -o $@ $<
Makefile: ;
MK
awk 'BEGIN { for (i = 0; i < 400; i++)
    printf "int f%d(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i] * %d ^ s >> %d; return s; }\n", i, i + 3, i % 7 }' > big.c

compressor="gzip -9 -k -f"
if command -v xz >/dev/null; then
    compressor="xz -6 -T2 --block-size=4MiB -k -f"
fi

echo "demo: recording a build of six files with make -j2"
rm -f ./*.o
"$build/trec" -q -o build.cbor.zst -- make -j2 -s
"$build/trender" -q -o build.svg build.cbor.zst
"$build/trender" -q -o build.png build.cbor.zst

echo "demo: recording one program: $compressor"
cat /usr/bin/* 2>/dev/null | head -c 30000000 > programs
"$build/trec" -q -o compress.cbor.zst -- $compressor programs
"$build/trender" -q -o compress.svg compress.cbor.zst
"$build/trender" -q -o compress.png compress.cbor.zst
"$build/tconv" -q --speedscope -o compress.speedscope.json compress.cbor.zst

echo
"$build/trender" build.cbor.zst
echo
echo "demo: pictures are in $(pwd): build.svg build.png compress.svg compress.png"
echo "demo: compress.speedscope.json opens in speedscope"
if ! "$build/tconv" --folded compress.cbor.zst 2>/dev/null | grep -q .; then
    echo "demo: NO STACKS: the kernel refused perf_event_open; the pictures show processes only"
    echo "demo: to allow stacks: sudo sysctl kernel.perf_event_paranoid=2"
fi
