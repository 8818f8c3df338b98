#!/usr/bin/env bash
# dist.sh: packs what was built into a tarball and a Debian package.
#
# Usage:   dist.sh BIN FILTER OUT    BIN: the folder with cubegate and cubegate-health; FILTER: the filter module
# Reads:   SOURCE_DATE_EPOCH         the time in the packages; that of the last commit when not set
# Outputs: OUT/cubegate-VERSION-linux-ARCH.tar.gz, OUT/cubegate_VERSION_ARCH.deb and OUT/SHA256SUMS; their names on stdout.
#          The same input gives the same bytes.
# Exit:    0 done; 1 something is missing; 2 wrong usage.
set -euo pipefail
if (($# != 3)); then
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$1 filter=$2 out=$3
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
umask 022

for file in "$bin/cubegate" "$bin/cubegate-health" "$filter"; do
	[[ -f $file ]] || {
		echo "$file is missing; run: make build dist" >&2
		exit 1
	}
done
for tool in dpkg-deb tar gzip; do
	command -v "$tool" >/dev/null || {
		echo "$tool is missing; run: apt-get install dpkg tar gzip" >&2
		exit 1
	}
done
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*)
	echo "there are packages for x86_64 and aarch64, not for $(uname -m)" >&2
	exit 1
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/deb
install -D -m 755 "$bin/cubegate" "$tree/usr/bin/cubegate"
install -D -m 755 "$bin/cubegate-health" "$tree/usr/lib/cubegate/cubegate-health"
install -D -m 644 "$filter" "$tree/usr/share/cubegate/cubegate_filter.wasm"
for unit in "$root"/deploy/systemd/*.{service,timer}; do
	install -D -m 644 "$unit" "$tree/usr/lib/systemd/system/$(basename "$unit")"
done
install -d -m 755 "$tree/etc/cubegate"
install -D -m 644 "$root/deploy/systemd/cubegate.sysusers" "$tree/usr/lib/sysusers.d/cubegate.conf"
doc=$tree/usr/share/doc/cubegate
for file in README.md CHANGELOG.md ARCHITECTURE.md SECURITY.md; do
	install -D -m 644 "$root/$file" "$doc/$file"
done
install -D -m 644 "$root/LICENSE" "$doc/copyright"
for file in "$root"/docs/*.md "$root"/docs/openapi.json; do
	install -D -m 644 "$file" "$doc/docs/$(basename "$file")"
done
install -D -m 644 "$root/envoy/static.yaml" "$doc/examples/static.yaml"
# What the command says of itself, as far as it does.
if "$bin/cubegate" completions bash >"$work/bash" 2>/dev/null; then
	install -D -m 644 "$work/bash" "$tree/usr/share/bash-completion/completions/cubegate"
fi
if "$bin/cubegate" man "$work/man" >/dev/null 2>&1; then
	for page in "$work"/man/*.1; do
		gzip -9 --no-name "$page"
		install -D -m 644 "$page.gz" "$tree/usr/share/man/man1/$(basename "$page").gz"
	done
fi

mkdir -p "$out" "$tree/DEBIAN"
name=cubegate-$version-linux-$arch
cp -a "$tree" "$work/$name"
rm -rf "${work:?}/$name/DEBIAN"
tar --create --directory "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu "$name" |
	gzip --no-name >"$out/$name.tar.gz"

cat >"$tree/DEBIAN/control" <<END
Package: cubegate
Version: $version
Architecture: $arch
Maintainer: Cubegate <cubegate@localhost>
Section: net
Priority: optional
Depends: libc6, libgcc-s1
Recommends: ca-certificates, systemd
Suggests: postgresql
Installed-Size: $(du -sk --apparent-size "$tree" | cut -f1)
Description: Gateway in front of many Kubernetes clusters
 One token and one kind of URL for every cluster, and lists that come back
 filtered, sorted and paged. This package has the control plane, its command
 and the filter for Envoy; Envoy itself comes from elsewhere.
END
install -m 755 "$here/postinst" "$here/prerm" "$here/postrm" "$tree/DEBIAN/"
find "$tree" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zzstd --build "$tree" "$out/cubegate_${version}_$arch.deb" >/dev/null
(cd "$out" && sha256sum "$name.tar.gz" "cubegate_${version}_$arch.deb" >SHA256SUMS)
printf '%s\n' "$out/$name.tar.gz" "$out/cubegate_${version}_$arch.deb"
