#!/bin/sh
# Install the Debian or Ubuntu packages that are missing: deps.sh build|test
# Says what it does, and does nothing when all is there. Uses sudo when not root.
set -eu

# A package, or COMMAND=PACKAGE where any provider of the command will do.
build="cc=gcc make=make pkg-config=pkgconf libcbor-dev libzstd-dev zlib1g-dev libsqlite3-dev libyajl-dev libdw-dev libelf-dev liblzma-dev
       libiberty-dev libcairo2-dev libpango1.0-dev fonts-dejavu-core"
test="libcmocka-dev c++=g++ zstd=zstd xz=xz-utils git=git sqlite3=sqlite3 /usr/bin/python3=python3
      python3-cbor2 python3-zstandard python3-numpy python3-venv rsvg-convert=librsvg2-bin compare=imagemagick pdftotext=poppler-utils mutool=mupdf-tools node=nodejs npm=npm
      chromium=chromium musl-gcc=musl-tools script=bsdutils strace=strace gdb=gdb gzip=gzip dwz=dwz
      libdebuginfod1 callgrind_annotate=valgrind mandoc=mandoc zsh=zsh fish=fish
      python3-django python3-flask gunicorn=gunicorn build-essential debhelper dh-python dpkg-buildpackage=dpkg-dev"

case "${1:-}" in
build) wanted=$build ;;
test) wanted="$build $test" ;;
*) echo "usage: deps.sh build|test" >&2; exit 2 ;;
esac

missing=""
for row in $wanted; do
    package=${row#*=}
    case "$row" in
    *=*) command -v "${row%%=*}" >/dev/null 2>&1 && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' && continue
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: this is no Debian or Ubuntu; install what these packages hold:$missing" >&2
    exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$sudo" ] && ! command -v sudo >/dev/null 2>&1; then
    echo "deps: as root, run: apt-get install$missing" >&2
    exit 1
fi
echo "deps: installing$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
