#!/bin/bash
# The shared library exports what the public headers declare, and nothing else.
set -eu
export LC_ALL=C
cd "$SCRATCH"

nm -D --defined-only "$BUILD/libtracefmt.so" | awk '$2 == "T" { print $3 }' |
    sed 's/@.*//' | sort >exported
# Prototypes: a name before a parenthesis in a line that begins with a type, or alone on its line.
cat "$ROOT"/libtracefmt/include/tracefmt/*.h | sed 's,/\*.*\*/,,' | grep -v '^ \*' |
    grep -v '^typedef' | grep -E '^[a-z].*\(' | grep -oE '\btfmt_[a-z_0-9]+\(' | tr -d '(' | sort -u >declared
[ -s declared ]
diff declared exported
