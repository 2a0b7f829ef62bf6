#!/bin/bash
# Programs whose files are elsewhere, or are not what they were: the names are theirs or nobody's.
. "$ROOT/tests/lib/trec.sh"
need_stacks
source=$ROOT/tests/targets/shares.c
named='_start;.*main;chain_5;chain_4;.*;alpha'
# folded NAME
folded() { "$tconv" -q --folded "$1.cbor.zst" >"$1.folded"; }

# In another root, where the path is another file's outside, and a link leads out of it.
cc_target -static -o static "$source"
mkdir -p root/bin root/work
cp static root/bin/prog
ln -s /work root/link
cp static root/work/linked
if unshare -r chroot root /bin/prog 0.01 >/dev/null 2>&1; then
    for program in /bin/prog /link/linked; do
        "$trec" -q -o root.cbor.zst -- unshare -r chroot root $program 0.7 >/dev/null
        folded root
        grep -qE "$named" root.folded || fail "no names of $program in another root"
    done
fi

# Replaced by rename, deleted: each process keeps the names of what it runs.
cc_target -o one "$source"
sed 's/chain_/link_/g' "$source" >other.c
cc_target -o other other.c
for what in 'mv other2 prog' 'rm prog'; do
    cp one prog
    cp other other2
    "$trec" -q -o changed.cbor.zst -- sh -c "./prog 1.2 & sleep 0.5; $what; wait" >/dev/null
    folded changed
    grep -qE "$named" changed.folded || fail "$what: lost its names"
    grep -q 'link_' changed.folded && fail "$what: names of another file"
done

# Written over in place: never the names of what is there now, with build id and without.
for id in '' -Wl,--build-id=none; do
    cc_target -shared -fPIC -DLIBRARY $id -o libshares.so "$source"
    cc_target -DWITH_LIBRARY -o user "$source" -L. -lshares -Wl,-rpath,"$PWD"
    sed 's/alpha/wrong_a/g; s/beta/wrong_b/g; s/gamma_/wrong_c/g' "$source" >wrong.c
    cc_target -shared -fPIC -DLIBRARY $id -o wrong.so wrong.c
    "$trec" -q -o over.cbor.zst -- sh -c './user 1.2 & sleep 0.5; cat wrong.so >libshares.so; wait' >/dev/null 2>&1 || true
    folded over
    grep -q wrong_ over.folded && fail "names of a file that was written over ($id)"
    grep -qE '_start;.*main;chain_5' over.folded || fail "no stacks beside it"
done

# A pipe where a mapped file was: nothing waits for it.
cat >pipe.c <<'END'
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 50; i++) {
		int fd = open("mapped", O_RDWR | O_CREAT, 0700);

		if (ftruncate(fd, 4096) < 0)
			return 1;
		mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		unlink("mapped");
		mkfifo("mapped", 0600);
		close(fd);
		usleep(1000);
		unlink("mapped");
	}
	return 0;
}
END
cc_target -o pipe pipe.c
run timeout 20 "$trec" -q -o pipe.cbor.zst -- ./pipe
expect "status beside pipes" 0 $status
