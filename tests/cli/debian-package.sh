#!/bin/bash
# The Debian package builds from what is in the repository, and what it installs works: tools,
# library, manuals, completion, Python package.
set -eu
fail() { echo "FAILED: $*" >&2; exit 1; }
[ "$(basename "$BUILD")" = build ] || { echo "the release build only"; exit 77; }
command -v dh >/dev/null && command -v dh_python3 >/dev/null || { echo "no debhelper here"; exit 77; }
[ -r /etc/debian_version ] || { echo "no Debian here"; exit 77; }

mkdir -p package/tracefmt
git -C "$ROOT" ls-files -z | (cd "$ROOT" && xargs -0 cp --parents -t "$OLDPWD/package/tracefmt")
(cd package/tracefmt && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc) >build.log 2>&1 ||
    { tail -30 build.log; fail "dpkg-buildpackage"; }
[ -s package/tracefmt_*.dsc ] || fail "no source package"
for deb in package/*.deb; do
    case $deb in *-dbgsym_*) ;; *) dpkg-deb -x "$deb" root ;; esac
done

arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
for file in usr/share/man/man1/{trec,tconv,trender}.1.gz usr/share/man/man5/tracefmt.5.gz usr/share/man/man3/libtracefmt.3.gz \
    usr/share/bash-completion/completions/trec usr/share/doc/tracefmt/FORMAT.md.gz \
    usr/lib/python3/dist-packages/tracefmt/django.py usr/lib/$arch/libtracefmt.so.1; do
    [ -s "root/$file" ] || fail "the packages lack /$file"
done
root/usr/bin/trec -q -o t.cbor.zst -- true
root/usr/bin/trender t.cbor.zst | grep -q 'exit status 0' || fail "the packaged tools do not work"
export PKG_CONFIG_SYSROOT_DIR=$PWD/root PKG_CONFIG_PATH=$PWD/root/usr/lib/$arch/pkgconfig
# shellcheck disable=SC2046
${CC:-cc} -o read_trace root/usr/share/doc/libtracefmt-dev/examples/read_trace.c $(pkg-config --cflags --libs tracefmt)
LD_LIBRARY_PATH=root/usr/lib/$arch ./read_trace <t.cbor.zst >/dev/null || fail "the packaged library does not work"
