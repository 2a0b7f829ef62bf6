#!/bin/bash
# Where perf is refused, threads are stopped briefly: what that finds, and that nobody notices.
. "$ROOT/tests/lib/trec.sh"
${CC:-cc} -O1 -o refuse "$ROOT/tests/targets/refuse.c"
./refuse perf true || { echo "SKIP: seccomp filters cannot be installed here"; exit 77; }
"$trec" -q --sampler ptrace -o try.cbor.zst -- sleep 0.01 2>err || fail "$(cat err)"
[ ! -s err ] || { echo "SKIP: threads cannot be stopped here: $(cat err)"; exit 77; }

# Shares of what is known, as a container without either kernel interface sees it.
cc_target -o shares "$ROOT/tests/targets/shares.c"
: >folded
for _ in 1 2 3; do
    run ./refuse perf,connector "$trec" -o t.cbor.zst -- sh -c './shares 5 & ./shares 5 thread & wait; exit 3' >truth 2>err
    expect status 3 "$status"
    expect "lines about it" 1 "$(wc -l <err)"
    grep -q 'perf_event_open: Permission denied.*: threads are stopped briefly' err || fail "$(cat err)"
    "$tconv" -q --folded t.cbor.zst | grep -v '^sh;' >>folded
    [ "$(awk '{ s += $NF } END { print s }' folded)" -lt 2000 ] || break
done
/usr/bin/python3 "$ROOT/tests/lib/check_shares.py" folded --points 5 _start clone3 __clone3
# In sum the samples are the CPU time; what was stopped is told, and is at most 2 % of it.
"$tconv" -q --folded --weight cpu t.cbor.zst | awk '{ s += $NF } END { printf "%.0f\n", s }' >sum
awk -v sum="$(cat sum)" '{ cpu += $2 } END { exit !(sum > 0.97 * cpu && sum < 1.03 * cpu) }' truth ||
    fail "samples stand for $(cat sum) ns, the programs used $(cat truth)"
"$tconv" -q --json t.cbor.zst >json
grep -q '"sampler","text":"ptrace, user code"' json || fail "the sampler is not in the header: $(head -1 json)"
/usr/bin/python3 "$ROOT/tests/lib/check_states.py" json
for name in 'target stopped' stops 'stops in a system call'; do
    grep -q "\"kind\":\"cost\".*\"name\":\"$name\"" json || fail "no cost of $name"
done

# Nothing is interrupted that only a timeout ends, no signal is lost or comes twice.
cc_target -o interrupted "$ROOT/tests/targets/interrupted.c"
./interrupted 2000 >without
"$trec" -q --sampler ptrace -o i.cbor.zst -- ./interrupted 4000 >with
diff without with || fail "a stopped program notices it"

# Nobody waits for us either: execs by threads, kills and early ends, all in the midst of a stop.
cc_target -o restless "$ROOT/tests/targets/restless.c"
timeout 60 "$trec" -q --sampler ptrace -o w.cbor.zst -- ./restless 4 >restless.out ||
    fail "restless processes end otherwise, or never: $(cat restless.out)"

# Another tracer goes first: debuggers and strace work as without us.
cc_target -o small "$ROOT/tests/targets/tiny_program.c"
for sampler in perf ptrace; do
    recorded() { "$trec" -q --sampler $sampler -o d.cbor.zst -- "$@"; }
    if command -v strace >/dev/null; then
        strace -f -o /dev/null true || { echo "strace cannot trace here"; break; }
        run strace -f -qq -e trace=exit_group -e signal=none ./small 2>strace.without; wanted=$status
        run recorded strace -f -qq -e trace=exit_group -e signal=none ./small 2>strace.with
        expect "status of strace" "$wanted" "$status"
        sed -i 's/\[pid *[0-9]*\]/[pid]/' strace.without strace.with
        diff <(sort strace.without) <(sort strace.with) || fail "strace under $sampler"
    fi
    if command -v gdb >/dev/null; then
        commands=(-nx -batch -ex "set debuginfod enabled off" -ex "break work" -ex run -ex bt -ex continue)
        gdb "${commands[@]}" ./small >gdb.without 2>&1 </dev/null
        recorded gdb "${commands[@]}" ./small >gdb.with 2>&1 </dev/null
        sed -i -E 's/(process|LWP|Thread 0x[0-9a-f]*) *[0-9a-f]*//g' gdb.without gdb.with
        diff gdb.without gdb.with || fail "gdb under $sampler"
    fi
done

# Address sanitizers and setuid programs see no difference either.
for sampler in perf ptrace; do
    if ${CC:-cc} -g -fsanitize=address -o asan "$ROOT/tests/targets/tiny_program.c" 2>/dev/null && ./asan >asan.without 2>&1; then
        "$trec" -q --sampler $sampler -o a.cbor.zst -- ./asan >asan.with 2>&1 || fail "ASan: $(cat asan.with)"
        diff asan.without asan.with
    fi
    if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        mkdir -p public && chmod 755 . public
        cp small public/setuid && chown root public/setuid && chmod 4755 public/setuid
        cp "$trec" public/trec && chmod 755 public/trec
        mkdir -p public/out && chmod 777 public/out
        (cd public && run setpriv --reuid 65534 --regid 65534 --clear-groups ./setuid; echo "$status") >setuid.without 2>&1 || true
        (cd public && run setpriv --reuid 65534 --regid 65534 --clear-groups ./trec -q --sampler $sampler -o out/s.cbor.zst -- ./setuid; echo "$status") >setuid.with 2>&1 || true
        diff setuid.without setuid.with || fail "a setuid program under $sampler"
        rm -f public/out/s.cbor.zst
    fi
done

# What the command line may say.
run "$trec" --sampler ptraec -o e.cbor.zst -- true 2>err
expect status 125 "$status"
grep -q 'did you mean ptrace?' err || fail "$(cat err)"
run "$trec" --event cycle -o e.cbor.zst -- true 2>err
expect status 125 "$status"
grep -q 'did you mean cycles?' err || fail "$(cat err)"
"$trec" --sampler none -o none.cbor.zst -- true 2>err
expect "messages with --sampler none" "" "$(cat err)"
"$tconv" -q --json none.cbor.zst | grep -q '"kind":"sample"' && fail "samples with --sampler none"

# Nothing at all: two lines, metrics and statuses.
run ./refuse perf,ptrace "$trec" -o n.cbor.zst -- sh -c 'exit 6' 2>err
expect status 6 "$status"
expect "lines about both" 2 "$(wc -l <err)"
grep -q '^trec: ptrace: Operation not permitted: no stacks but Python' err || fail "$(cat err)"
run ./refuse perf "$trec" --sampler perf -o n.cbor.zst -- sh -c 'exit 6' 2>err
expect status 6 "$status"
grep -q 'perf_event_open: Permission denied.*: no stacks' err || fail "$(cat err)"

# Without process_vm_readv stacks are read from /proc/PID/mem.
run ./refuse perf,process_vm_readv "$trec" -q -o m.cbor.zst -- ./shares 1 >/dev/null
expect status 0 "$status"
"$tconv" -q --folded m.cbor.zst | grep -q ';main;chain_5;.*;alpha ' || fail "no stacks through /proc/PID/mem"

# A counter that the machine may not have: samples either way.
"$trec" --event cycles:u -o c.cbor.zst -- ./shares 0.5 >/dev/null 2>err
"$tconv" -q --json c.cbor.zst | head -1 >header
grep -q '"sampler","text":"perf cycles' header || grep -q 'no counter of cycles.*CPU time is sampled' err ||
    fail "neither cycles nor a word about them: $(cat err)"
true
