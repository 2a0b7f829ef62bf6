#!/bin/bash
# Foreign recordings in every view and format, with the totals of the source.
. "$ROOT/tests/lib/tconv.sh"
trender=$BUILD/trender

sum() { awk '{ total += $NF } END { printf "%.0f\n", total }'; }

# Every format and every view takes it without damage.
all_of() {
    for format in $(formats); do
        run "$tconv" -q --$format -o "all.$format" "$1"
        expect "status of --$format of $1: $(cat err)" 0 "$status"
    done
    for view in flame timeline report; do
        "$trender" -q --view $view -o "$view.svg" "$1" || [ $? = 4 ] || fail "$view of $1"
    done
    "$trender" -q "$1" >/dev/null && "$trender" -q --view top "$1" >top
}

# --- folded ---
cat >in.folded <<'END'
# a remark
main;work;inner 30
main;work 12
main;idle_[k] 5

name with space;a:b<c> 3
END
all_of in.folded
expect "samples of folded" 50 "$("$tconv" -q --folded in.folded | sum)"
cmp <(grep ';' in.folded | sort) <("$tconv" -q --folded in.folded | sed 's/^in.folded;//' | sort)
grep -q '60.0 % .* inner' top || fail "top of folded: $(cat top)"
gzip -k in.folded
expect "samples of folded.gz" 50 "$("$tconv" -q --folded in.folded.gz | sum)"
expect "samples of a pipe" 50 "$(cat in.folded | "$tconv" -q --folded | sum)"
echo 'a;b 123456789012' >large.folded
expect "large counts are ns" 123456789012 "$("$tconv" -q --folded --weight cpu large.folded | sum)"
printf 'a;b 1\r\na;c 2' >dos.folded
expect "CR LF, no last newline" 3 "$("$tconv" -q --folded dos.folded | sum)"
echo 'alone 7' >alone
says 1 'not a trace' "$tconv" -q --folded alone
expect "forced" 7 "$("$tconv" -q --from-format folded --folded alone | sum)"
printf 'a;b 1\nno count\n' >bad.folded
says 1 'line 2, column 8' "$tconv" -q --from-format folded --folded bad.folded
says 2 'did you mean folded' "$tconv" --from-format foldd --folded bad.folded

# --- perf script ---
cat >in.perf <<'END'
# captured on: today
my prog  11/12 [001]  100.250000:    1000000 cpu-clock:ppp: 
	    7f00 leaf+0x10 (/usr/lib/libx.so (deleted))
	    7f01 operator()(int) (/usr/bin/prog)
	    4010 main+0x1f (/usr/bin/prog)

my prog  11/11 [000]  100.251000:    1000000 cpu-clock:ppp: 
	ffffffff81 do_work+0x1 ([kernel.kallsyms])
	    4010 main+0x2f (/usr/bin/prog)

my prog  11/11 [000]  100.252000:    2000000 cpu-clock:ppp: 
other    13 [000]  100.252500:          1 faults: 
	    4010 main+0x2f (/usr/bin/prog)

END
all_of in.perf
"$tconv" -q --folded --weight cpu in.perf | sort >out
LC_ALL=C sort >wanted <<'END'
my prog;[stack not known] 2000000
my prog;main;do_work_[k] 1000000
my prog;main;operator()(int);leaf 1000000
END
cmp wanted <(LC_ALL=C sort out) || fail "perf script: $(cat out)"
run "$tconv" --folded in.perf
grep -q 'lost while recording: 1 sample .*another event' err || fail "the other event: $(cat err)"
printf 'prog 1 1.000000: 5 cpu-clock: \n\n???\n' >bad.perf
says 1 'line 3, column 1' "$tconv" -q --folded bad.perf

if perf record -q -B -N -g -F 499 -o perf.data -- "$BUILD/targets/gen_trace" --samples 100000 \
    generated.cbor.zst >/dev/null 2>&1 && perf script -i perf.data >real.perf 2>/dev/null &&
    [ -s real.perf ]; then
    all_of real.perf
    expect "samples of perf" "$(grep -c ' cpu-clock\|task-clock' real.perf)" \
        "$("$tconv" -q --folded real.perf | sum)"
    expect "periods of perf" "$(awk '/cpu-clock|task-clock/ { s += $(NF - 1) } END { printf "%.0f", s }' real.perf)" \
        "$("$tconv" -q --folded --weight cpu real.perf | sum)"
else
    echo "no perf here: only a stored text was read"
fi

# --- our own JSON: equal records, equal ids ---
rows() { "$BUILD/targets/dump_trace" "$1" | sort; }
"$BUILD/targets/gen_trace" --symbols --samples 20000 --threads 5 --processes 2 --metrics 50 \
    many.cbor.zst
for trace in tiny many; do
    "$tconv" -q --json "$trace.cbor.zst" >"$trace.jsonl"
    "$tconv" -q --trace -o back.cbor.zst "$trace.jsonl"
    cmp <(rows "$trace.cbor.zst") <(rows back.cbor.zst) || fail "$trace: other records after --json"
    cmp <(head -1 "$trace.jsonl") <("$tconv" -q --json back.cbor.zst | head -1) || fail "another header"
done
all_of tiny.jsonl
# A part of the lines, as jq and grep leave it, is a trace too.
grep -v '"kind":"\(stack\|span\|clock\)"' tiny.jsonl >part.jsonl
all_of part.jsonl
(head -3 tiny.jsonl; echo '{"kind":"sample","time_ns":tru}') >bad.jsonl
says 1 'line 4, column' "$tconv" -q --folded bad.jsonl
(head -3 tiny.jsonl; echo '{"kind":"sampel"}') >bad.jsonl
says 1 'line 4, column 1[78]: no line of a known kind' "$tconv" -q --folded bad.jsonl
