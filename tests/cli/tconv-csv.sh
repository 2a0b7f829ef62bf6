#!/bin/bash
# The tables of --csv are those of --sqlite, cell by cell; sqlite3 imports them. All files appear,
# or none.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
for trace in tiny empty generated; do
    "$tconv" -q -o $trace.sqlite $trace.cbor.zst
    "$tconv" -q --csv -o $trace/ $trace.cbor.zst
    "$tconv" -q --csv -o $trace/ $trace.cbor.zst # into a folder that is there
    ! LC_ALL=C grep -q "$(printf '\033')" $trace/*.csv || fail "escape in a table"
    /usr/bin/python3 - $trace <<'PYTHON'
import csv, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1] + ".sqlite")
tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
assert sorted(os.listdir(sys.argv[1])) == sorted(name + ".csv" for name in tables)
for name in tables:
    with open(f"{sys.argv[1]}/{name}.csv", newline="", encoding="utf-8") as file:
        header, *found = csv.reader(file)
    cursor = db.execute(f'SELECT * FROM "{name}" ORDER BY rowid')
    assert header == [column[0] for column in cursor.description], name
    wanted = [["" if cell is None else str(cell) for cell in row] for row in cursor]
    if "id" in header:  # (rows of a table with an id stand in the order of their writing)
        found.sort(key=lambda row: int(row[0]))
    assert found == wanted, (name, found[:5], wanted[:5])
PYTHON
    for table in function sample span; do
        "$tconv" -q --csv --table $table $trace.cbor.zst | cmp - $trace/$table.csv
        "$tconv" -q -o one.csv --table $table $trace.cbor.zst
        cmp one.csv $trace/$table.csv
    done
done
[ -z "$(find . -name '*.csv.*')" ] || fail "left over: $(find . -name '*.csv.*')"
sqlite3 :memory: '.import --csv generated/sample.csv sample' 'SELECT sum(samples) FROM sample' >sum
expect "samples imported by sqlite3" 20000 "$(cat sum)"

says 2 'several tables: -o DIR/ .*--table NAME one of trace, process' "$tconv" --csv tiny.cbor.zst
says 2 'no such table: trace, process' "$tconv" --csv --table samples tiny.cbor.zst
says 2 '--table: json is one file' "$tconv" --json --table sample tiny.cbor.zst
says 2 "'x/' is a folder: json is one file" "$tconv" --json -o x/ tiny.cbor.zst
[ ! -e x ] || fail "a folder was made in spite of wrong use"
says 1 'cannot make the folder no/such/' "$tconv" --csv -o no/such/ tiny.cbor.zst
status=0
"$tconv" -q --csv --table sample tiny.cbor.zst >/dev/full 2>err || status=$?
expect "status of --csv to a full disk" 1 "$status"
grep -q 'No space left' err || fail "a full disk is not said: $(cat err)"
mkdir full && ln -s /dev/full full/stack.csv
run "$tconv" -q --csv -o full/ generated.cbor.zst
expect "status of a table on a full disk" 1 "$status"
expect "files of a folder that is not complete" "stack.csv" "$(ls full)"

head -c $(($(stat -c %s tiny.cbor.zst) * 3 / 4)) tiny.cbor.zst >cut.cbor.zst
run "$tconv" -q --csv -o cut/ cut.cbor.zst
expect "status of a cut trace" 3 "$status"
expect "tables of a cut trace" "$(ls tiny)" "$(ls cut)"
run "$tconv" --csv -o none/ empty.cbor.zst
expect "status of nothing" 0 "$status"
grep -q 'nothing to convert' err || fail "not said: $(cat err)"
