#!/bin/bash
# Perfetto traces, read with the published descriptions of the format, have the records of --json.
. "$ROOT/tests/lib/tconv.sh"

"$BUILD/targets/tiny_trace" empty.cbor.zst empty
"$BUILD/targets/gen_trace" --symbols --samples 20000 --stacks 500 --threads 5 --processes 2 \
    --metrics 50 generated.cbor.zst
# A real one; without samples where the kernel refuses them.
"$BUILD/trec" -q -o real.cbor.zst -- \
    sh -c 'for i in 1 2 3; do xz -T2 -c /bin/sh >/dev/null & done; wait; sleep 0.1'

for trace in tiny empty generated real; do
    "$tconv" -q --json $trace.cbor.zst >$trace.jsonl
    "$tconv" -q -o $trace.pftrace $trace.cbor.zst
    "$tconv" -q --perfetto $trace.cbor.zst >again.pftrace
    cmp $trace.pftrace again.pftrace
    # Decoded by the rules of the encoding alone: as many samples as there are.
    /usr/bin/python3 - $trace <<'PYTHON'
import os, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
import protobuf, trace_rows

packets = [protobuf.message(data)
           for number, data in protobuf.fields(open(sys.argv[1] + ".pftrace", "rb").read())
           if number == 1]
found = [protobuf.message(packet[66][0]) for packet in packets if 66 in packet]
samples = trace_rows.samples(trace_rows.load(sys.argv[1] + ".jsonl"))
assert sum(17 not in sample for sample in found) == trace_rows.totals(samples)["samples"]
PYTHON
done
for weight in samples offcpu wall; do
    "$tconv" -q --perfetto --weight $weight tiny.cbor.zst >tiny.$weight.pftrace
    "$tconv" -q --perfetto --weight $weight real.cbor.zst >real.$weight.pftrace
done

run "$tconv" --perfetto -o t.pftrace tiny.cbor.zst
grep -q 'left out: 1 ms of CPU time that no sample saw' err || fail "not said: $(cat err)"
grep -q 'left out: 1 counter value' err || fail "not said: $(cat err)"
grep -q 'the end of 1 span ' err || fail "not said: $(cat err)"
grep -q 'cannot hold 1 alloc record, 1 free record, 1 cost record' err || fail "not said: $(cat err)"

venv=$ROOT/build/venv-perfetto # of no build variant
if [ ! -e "$venv/ready" ]; then
    skip() { echo "SKIP: the traces were not read by Perfetto's descriptions: $*"; exit 77; }
    /usr/bin/python3 -m venv "$venv" >venv.log 2>&1 || skip "no python3-venv"
    "$venv/bin/pip" install -q --disable-pip-version-check perfetto==0.59.1 >pip.log 2>&1 ||
        skip "pip cannot install them: $(tail -n 1 pip.log)"
    touch "$venv/ready"
fi
check() { "$venv/bin/python" "$ROOT/tests/lib/check_perfetto.py" "$@"; }
check tiny.pftrace tiny.jsonl
check empty.pftrace empty.jsonl
check generated.pftrace generated.jsonl cpu exact
check real.pftrace real.jsonl
for weight in samples offcpu wall; do
    check tiny.$weight.pftrace tiny.jsonl $weight
    check real.$weight.pftrace real.jsonl $weight
done
