# Sourced. Sets `pythons`: one interpreter of each version from 3.8 on; $PYTHONS names more.
declare -A seen
pythons=()
for python in "$HOME"/.pyenv/versions/3.*/bin/python3 /usr/bin/python3 ${PYTHONS:-}; do
    version=$("$python" -c 'import sys; print("%d%02d" % sys.version_info[:2])' 2>/dev/null) || continue
    [ "$version" -ge 308 ] && [ -z "${seen[$version]:-}" ] || continue
    seen[$version]=1
    pythons+=("$python")
done
[ ${#pythons[@]} -gt 0 ] || { echo "SKIP: no Python from 3.8 on"; exit 77; }
