#!/bin/sh
# Record a real program and draw it: demo.sh BUILD-FOLDER OUTPUT-FOLDER
set -eu
build=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

# A small build: a C program of our own sources, compiled by two jobs at a time.
cat > work.mk <<'MK'
FILES := one two three four five six
all: $(FILES:=.o)
	@sleep 0.2; gzip -9 < big.c > big.c.gz
%.o: big.c
	@cc -O2 -c -DNAME=$* -o $@ $<
MK
awk 'BEGIN { for (i = 0; i < 400; i++)
    printf "int f%d(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i] * %d ^ s >> %d; return s; }\n", i, i + 3, i % 7 }' > big.c

echo "demo: recording a build of six files with make -j2"
rm -f ./*.o
"$build/trec" -q -o build.cbor.zst -- make -j2 -s -f work.mk
"$build/trender" -q -o build.svg build.cbor.zst
"$build/trender" -q -o build.png build.cbor.zst

echo "demo: recording one program"
cat big.c big.c big.c big.c big.c big.c > big.txt
"$build/trec" -q -o compress.cbor.zst -- xz -9 -T2 --block-size=300000 -k -f big.txt
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
