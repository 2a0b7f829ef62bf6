# For tests of trender: source this. Sets up names, and leaves traces to draw in the scratch folder.
set -eu
export PAGER=cat # what is shown on a terminal of a test is not paged
trender=$BUILD/trender
# What fontconfig keeps until the end is not ours.
printf 'leak:libfontconfig\nleak:FcValueSave\n' >lsan.supp
export LSAN_OPTIONS=suppressions=$PWD/lsan.supp:print_suppressions=0
python3=/usr/bin/python3

fail() { echo "FAILED: $*" >&2; exit 1; }

# expect WHAT WANTED GOT
expect() { [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"; }

# Run a command, leave its status in $status.
run() { status=0; "$@" || status=$?; }

# trace SHAPE: writes SHAPE.cbor.zst
trace() { "$BUILD/targets/render_trace" "$1" "$1.cbor.zst"; }
