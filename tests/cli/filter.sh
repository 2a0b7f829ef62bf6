#!/bin/bash
# --filter: the examples of the language on 44 span records, what stays beside them, every error.
. "$ROOT/tests/lib/tconv.sh"
trender=$BUILD/trender
"$BUILD/targets/filter_trace" demo.cbor.zst
"$BUILD/targets/filter_trace" open.cbor.zst open

# kind KIND ARGS...: how many records of a kind are left.
kind() {
    local kind=$1
    shift
    run "$tconv" -q --json "$@"
    expect "status of $*" 0 "$status"
    [ ! -s err ] || fail "$*: said: $(cat err)"
    grep -c "^{\"kind\":\"$kind\"" out || true
}

# spans COUNT EXPRESSION [TRACE]: so many span records are left.
spans() { expect "spans of $2" "$1" "$(kind span --filter "$2" "${3:-demo.cbor.zst}")"; }

expect "spans of all" 44 "$(kind span demo.cbor.zst)"
spans 18 "func == 'fib'"
spans 18 'func == "fi%"'
spans 26 "not func == 'fib'"
spans 26 "func != 'fib'"
spans 1 "arg == 'return value' and value == '3'"
spans 29 "type == 'int' or type == 'str'"
spans 44 "time > '2020/01/01 00:00:00'"
spans 44 "tid > 1"
spans 28 "func ~ '^(fib|greet)\$'"
spans 16 "func !~ '^(fib|greet)\$'"
spans 28 "func == 'fib' or func == 'greet'"

# Arguments: of one and the same, unless each has parentheses; by name; as numbers.
spans 8 "arg == 'n' and value != '3'"
spans 0 "arg == 'n' and value == 'None'"
spans 0 "(arg == 'n' and value == '3') and (arg == 'return value' and value == '3')"
spans 42 "value != '3'"
spans 1 "arg.n == '3'"
spans 2 "arg.n >= 3"
spans 8 "arg.n != 3"
spans 8 "not arg.n == 3"
spans 3 "arg.level > 5"
spans 4 "arg.'return value' == '%n%' and func == 'greet' or arg.\"return value\" == 3 or arg.n == 4"
spans 2 "value == '%\\%%'"
spans 2 "value == '\\'ann\\''"
spans 1 "type ~ 'Error\$' and not value == ''"

# Lengths: of both records; main() takes 43 ms, fib(4) 17 ms.
spans 2 "dur > 17ms"
spans 4 "dur >= 17ms"
spans 44 "dur < 1.5s"
spans 2 "dur == 43000us"
spans 34 "dur <= 0.001"
spans 1 "dur >= 42ms" open.cbor.zst
spans 3 "time >= 10ms and time <= 0.012"
spans 44 "time < '2026-11-21T18:40:00.044Z'"
spans 3 "time >= '2026-11-21 19:40:00.041+01:00'"
expect "local time" 3 "$(TZ=Asia/Tokyo kind span --filter "time >= '2026/11/22 03:40:00.041'" demo.cbor.zst)"

# What a condition says nothing about: context stays, other events go.
for row in "sample 1 func == 'fib'" "sample 0 func == 'greet'" "sample 0 arg == 'n'" \
    "sample 1 dur > 3ms" "sample 0 kind == 'span'" "instant 0 func == 'fib'" \
    "instant 1 name == 'log' and value ~ 'half'" "counter 2 func == 'fib'" "exec 2 func == 'fib'" \
    "counter 1 pid == 200" "exec 1 pid == 200" "exec 1 process == 'sleep'" "counter 0 kind == 'sample'" \
    "exec 0 kind == 'sample'" "exec 2 time > 30ms" "counter 0 time > 30ms" \
    "arg 18 func == 'fib'" "arg 1 arg.n == 3"; do
    read -r what count expression <<<"$row"
    expect "$row" "$count" "$(kind "$what" --filter "$expression" demo.cbor.zst)"
done

# The kernel has a name of its own, and a path in brackets.
expect "kernel" "$(kind sample --filter "module == '[kernel]'" tiny.cbor.zst)" \
    "$(kind sample --filter "module == 'kernel'" tiny.cbor.zst)"
expect "but the kernel" 11 "$(($(kind sample --filter "module == 'kernel'" tiny.cbor.zst) +
    $(kind sample --filter "module != 'kernel'" tiny.cbor.zst)))"

# In every format, and together with other options; a trace again is that part.
"$tconv" -q --trace --filter "func == 'fib'" demo.cbor.zst >part.cbor.zst
expect "spans of a part" 18 "$(kind span part.cbor.zst)"
expect "arguments of a part" 18 "$(kind arg part.cbor.zst)"
expect "with --from" 9 "$(kind span --from 9500us --filter "func == 'fib'" demo.cbor.zst)"
expect "folded" "main (demo.py:30);fib (demo.py:1) 1" "$("$tconv" -q --folded --weight samples --filter "leaf.func == 'fib'" demo.cbor.zst | sed 's/^.*;main/main/')"
run "$tconv" -q --folded --weight samples --filter "func == 'fib'" --diff part.cbor.zst demo.cbor.zst
expect "status of --diff" 0 "$status"
expect "--diff" "1 1" "$(sed -n 's/^.*fib (demo.py) //p' out)"
for format in $(formats); do
    run "$tconv" -q --$format --filter "leaf.func == 'fib' and pid == 100" demo.cbor.zst
    expect "status of --$format" 0 "$status"
done
run "$tconv" --folded --filter "leaf.func == 'greet'" demo.cbor.zst
grep -q 'nothing to convert: the selected part' err || fail "not said: $(cat err)"

# refused COLUMN WORDS EXPRESSION: by both tools, with a caret under the column.
refused() {
    local column=$1 words=$2 expression=$3 tool
    for tool in "$tconv --json" "$trender"; do
        run $tool --filter "$expression" demo.cbor.zst
        expect "status of $expression" 2 "$status"
        [ ! -s out ] || fail "$expression: there is output"
        grep -q "filter: column $column: " err || fail "$expression: not column $column: $(cat err)"
        grep -qF -- "$words" err || fail "$expression: '$words' not in: $(cat err)"
        [ "$(sed -n '3s/^[a-z]*: //p' err)" = "$(printf '%*s' $((column + 2)) '^')" ] ||
            fail "$expression: caret: $(cat err)"
    done
}
refused 1 "unknown field 'fnuc': func, " "fnuc == 'fib'"
refused 19 "unknown field 'modul': module, " "func == 'fib' and modul == 'x'"
refused 6 "func cannot be compared with '>': ==, !=, ~ and !~ are possible" "func > 'fib'"
refused 5 "tid cannot be compared with '~': ==, !=, <, >, <= and >= are possible" "tid ~ '1'"
refused 8 "tid is compared with a whole number, not a text" "tid == '1'"
refused 9 "func is compared with a text in quotes, not '3'" "func == 3"
refused 7 "dur is compared with a duration such as 5ms" "dur > 'long'"
refused 8 "bad time: 'YYYY/MM/DD hh:mm:ss'" "time > 'yesterday'"
refused 8 "bad regular expression: Unmatched [" "func ~ '[a'"
refused 8 "repeats too much" "func ~ '((a{99}){99}){99}'"
refused 9 "this text has no closing '" "func == 'fib"
refused 13 "and, or or the end was expected, not 'or_'" "func == 'a' or_ func == 'b'"
refused 9 "no kind is 'spam': span, " "kind == 'spam'"
refused 10 "no state is 'runing': running, " "state == 'runing'"
refused 1 "the filter is empty" ""
refused 33 "nested too deep: 32" "$(printf '%32s' | tr ' ' '(')func == 'a'"
run "$tconv" --json --filter "func == '$(printf '%5000s')'" demo.cbor.zst
expect "status of a long one" 2 "$status"
grep -q 'too long: 4096 bytes' err || fail "not said: $(cat err)"

# warned COLUMN WORDS EXPRESSION: it goes on.
warned() {
    run "$tconv" --json --filter "$3" demo.cbor.zst
    expect "status of $3" 0 "$status"
    grep -q "column $1: nothing in the trace has the $2" err || fail "$3: '$2' not in: $(cat err)"
}
warned 9 "func 'fbi': did you mean fib?" "func == 'fbi'"
warned 9 "func 'gr': did you mean greet?" "func == 'gr'"
warned 28 "func 'zzzzzz': there is fail, fib, greet, log, main" "kind == 'span' and func == 'zzzzzz'"
warned 8 "arg 'return': did you mean return value?" "arg == 'return'"
warned 1 "argument 'nn': did you mean n?" "arg.nn == 3"
warned 9 "type 'strin': did you mean str?" "type == 'strin'"
warned 8 "pid 10: did you mean 100?" "pid == 10"
run "$tconv" -q --json --filter "func == 'fbi'" demo.cbor.zst
[ ! -s err ] || fail "-q: said: $(cat err)"

# trender: what is left, and that it is not all.
run "$trender" --filter "func == 'fib'" demo.cbor.zst
grep -qx "filter: func == 'fib'" out || fail "summary: no filter: $(cat out)"
grep -q '^1 sample,' out && grep -q '100 %.*fib' out || fail "summary: $(cat out)"
grep -q 'peak 1 MiB' out && grep -q '2 processes' out || fail "summary: no context: $(cat out)"
run "$trender" --filter "pid == 200" demo.cbor.zst
grep -q '1 process' out || fail "summary: $(cat out)"
for view in top tree; do
    run "$trender" --view $view --filter "func == 'fib'" demo.cbor.zst
    expect "status of $view" 0 "$status"
    grep -qx "filter: func == 'fib'" out || fail "$view: no filter: $(cat out)"
    run "$trender" --view $view --filter "func == 'greet'" demo.cbor.zst
    expect "status of $view without samples" 4 "$status"
    grep -q 'The filter leaves no samples.' out || fail "$view: $(cat out)"
done
for view in calls spans; do
    run "$trender" --view $view --filter "func == 'fib' and type == 'str'" demo.cbor.zst
    expect "status of $view without calls" 4 "$status"
    grep -q 'The filter leaves no calls or scopes.' out || fail "$view: $(cat out)"
done
run "$trender" --view top --filter "pid == 200" demo.cbor.zst
expect "status of top of a process without samples" 4 "$status"
grep -q 'The filter leaves no samples.' out || fail "top of a process: $(cat out)"
run "$trender" -o f.svg --filter "func == 'fib' and not pid == 200" demo.cbor.zst
expect "status of a picture" 0 "$status"
grep -q "filter: func == 'fib'" f.svg || grep -q "filter: func == &apos;fib&apos;" f.svg ||
    grep -q 'filter: func == &#39;fib&#39;' f.svg || fail "a picture without the filter"
run "$trender" --view calls --filter "arg.n == 3" demo.cbor.zst
expect "lines of calls" 1 "$(grep -c fib out)"
