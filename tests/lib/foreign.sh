# Sourced after tconv.sh: for foreign recordings.
trender=$BUILD/trender

sum() { awk '{ total += $NF } END { printf "%.0f\n", total }'; }

# all_of FILE [OPTION...]: every format and every view takes it without damage; leaves the view top with OPTIONs in top.
all_of() {
    for format in $(formats); do
        run "$tconv" -q --$format -o "all.$format" "$1"
        expect "status of --$format of $1: $(cat err)" 0 "$status"
    done
    for view in flame timeline report; do
        "$trender" -q --view $view -o "$view.svg" "$1" || [ $? = 4 ] || fail "$view of $1"
    done
    "$trender" -q "$1" >/dev/null && "$trender" -q --view top "${@:2}" "$1" >top
}
