#!/bin/bash
# Where the trace goes: what is there before, what else writes there, and what does not take it.
. "$ROOT/tests/lib/trec.sh"

kinds() { "$tconv" -q --json "$1" | grep -c "\"kind\":\"$2\""; }
busy='i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'

# A file that is there is only replaced by a recording.
echo precious >old
run "$trec" -o old ./nonexistent 2>err
expect "status of a command that is not there" 127 "$status"
expect "the file of before" precious "$(cat old)"
ln -s made link
run "$trec" -o link ./nonexistent 2>err
[ -L link ] || fail "the link was removed"
[ ! -e made ] || fail "the file that was made is still there"
head -c 100000 /dev/zero >old
"$trec" -q -o old true
"$tconv" -q --json old >/dev/null || fail "remains of an older file"
"$trec" -q -o link true
[ -L link ] && [ "$(kinds made exit)" = 1 ] || fail "a link is not followed"
expect "mode of a new file" 600 "$(stat -c %a made)"

# Places that cannot be written.
mkdir folder
for place in folder none/t; do
    run "$trec" -o $place sh -c 'echo ran >ran' 2>err
    expect "status with -o $place" 125 "$status"
    expect "lines about $place" 1 "$(wc -l <err)"
    [ ! -e ran ] || fail "the command ran without its trace"
done

# Two recorders and one file.
"$trec" -q -o both sh -c 'touch started; until [ -e end ]; do sleep 0.05; done' &
until [ -e started ]; do sleep 0.05; done
run "$trec" -o both true 2>err
expect "status of the second recorder" 125 "$status"
grep -q 'both is being written by another recorder' err || fail "no word about the first: $(cat err)"
touch end
wait $!
expect "what the first recorded" 0 "$("$tconv" -q --json both >/dev/null; echo $?)"
# One after the other, also where the shell keeps the file open.
("$trec" -q true; "$trec" -q true) >one_after_another 2>err
[ ! -s err ] || fail "the second trace of a shell: $(cat err)"

# A FIFO, and a reader that leaves early: the command has its own status.
mkfifo fifo
cat fifo >from_fifo &
run "$trec" -q -o fifo sh -c 'exit 5'
expect "status with a fifo" 5 "$status"
wait $!
[ "$(kinds from_fifo exit)" = 1 ] || fail "the trace through a fifo"
{ "$trec" -q sh -c "$busy; exit 6" 2>err || echo $? >status; } | head -c 100 >/dev/null
expect "status when the reader leaves" 6 "$(cat status)"
grep -q 'Broken pipe' err || fail "the reader left unnoticed: $(cat err)"

# Nobody reads: the command is not held up, a signal ends the recorder.
mkfifo unread
sleep 100 <>unread &
reader=$!
head -c 65536 /dev/zero >unread # as much as a pipe takes
"$trec" -o unread -F 20000 sh -c "$busy; echo done >finished; exit 7" 2>err &
recorder=$!
for _ in $(seq 200); do [ -e finished ] && break; sleep 0.1; done
[ -e finished ] || fail "a pipe that nobody reads stops the command"
sleep 1
kill -TERM $recorder
wait $recorder && status=0 || status=$?
kill $reader
expect "status after giving up" 7 "$status"

# A recording that is over before its command still passes on what is sent to the command.
sleep 100 <>unread &
reader=$!
head -c 65536 /dev/zero >unread 2>/dev/null & # may be full already
filler=$!
"$trec" -q --duration 200ms -o unread bash -c '
    trap "exit 10" TERM; touch trapped; while :; do sleep 0.05; done' &
recorder=$!
until [ -e trapped ]; do sleep 0.05; done
sleep 1
kill -TERM $recorder # to the command
sleep 1
kill -TERM $recorder 2>/dev/null || true # to the recorder, which waits for its reader
wait $recorder && status=0 || status=$?
kill $reader $filler 2>/dev/null || true
expect "status of a command that outlives its recording" 10 "$status"

# Disks that are full: one line, the status, and what was written can be read.
run "$trec" -q -o /dev/full sh -c "$busy; exit 8" 2>err
expect "status with a full device" 8 "$status"
expect "lines about a full device: $(cat err)" 1 "$(wc -l <err)"
if mkdir full && mount -t tmpfs -o size=160k none full 2>/dev/null; then
    trap 'umount full' EXIT
    run "$trec" -q -F 20000 -o full/t sh -c "for i in 1 2 3 4 5 6 7 8 9; do sh -c '$busy'; done; exit 9" 2>err
    expect "status with a full disk" 9 "$status"
    expect "lines about a full disk: $(cat err)" 1 "$(wc -l <err)"
    run "$tconv" --json full/t >t.json 2>err
    expect "status of what a full disk left" 3 "$status"
    expect "damage: $(cat err)" 1 "$(grep -vc 'lost while recording' err)"
    grep -q 'cut before its end' err || fail "a full disk left more damage: $(cat err)"
    zstd -qdc full/t >/dev/null || fail "a torn chunk at the end"
    [ "$(grep -c '"kind":"sample"' t.json)" -gt 0 ] || ! can_sample || fail "no samples on the full disk"
else
    echo "no tmpfs can be mounted here"
fi
