#!/usr/bin/env bash
# bases.sh: what the tests of images and compose stand on where no registry is: images made from Debian's packages.
#
# Usage:   bases.sh
# Needs:   root, the packages podman, debootstrap and netavark; what tools.sh gets (Envoy, etcd, kube-apiserver).
# Outputs: localhost/cubegate-test/base    Debian, minimal: in place of distroless and of the builder
#          localhost/cubegate-test/envoy   the same with Envoy
#          localhost/cubegate-test/prometheus      Prometheus, in place of its public image
#          localhost/cubegate-test/parts   PostgreSQL, etcd, kube-apiserver, Python and openssl: in place of four public images
# Exit:    0 they are there; 1 with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"
# shellcheck source=deploy/images/test/engine.sh
source "$here/engine.sh"
readonly name=localhost/cubegate-test
readonly suite=bookworm

is_there() { podman image exists "$name/$1"; }

if ! is_there base; then
	archive=$cache/debian-$suite.tar
	if [[ ! -s $archive ]]; then
		folder=$(mktemp -d)
		mkdir -p "$cache"
		: >"$cache/debootstrap.log"
		long "making a Debian $suite (1.5 minutes, once)" "$cache/debootstrap.log" : debootstrap --variant=minbase "$suite" "$folder" ||
			die "debootstrap failed; its log is $cache/debootstrap.log"
		rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
		tar -C "$folder" -cf "$archive.new" .
		mv "$archive.new" "$archive"
		rm -rf "$folder"
	fi
	podman import "$archive" "$name/base" >&2
fi

# from TAG CONTEXT: builds from a Dockerfile on stdin.
from() { podman build --format docker --network host --tag "$name/$1" --file - "$2" >&2; }

# fresh TAG STAMP: whether the image was made from these files.
fresh() { is_there "$1" && [[ $(podman image inspect --format '{{index .Labels "cubegate.test"}}' "$name/$1") == "$2" ]]; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

envoy=$("$root/deploy/local/tools.sh" envoy)
stamp=$(sha256sum <"$envoy" | cut -c1-16)
if ! fresh envoy "$stamp"; then
	cp "$envoy" "$work/envoy"
	from envoy "$work" <<-END
		FROM $name/base
		COPY envoy /usr/local/bin/envoy
		LABEL cubegate.test=$stamp
	END
	rm "$work/envoy"
fi

# Whom it runs as, and what it starts, as the public image has it; `promtool check ready`, by which the stack sees its health,
# came after the version of Debian 12.
stamp=$(sha256sum <"$0" | cut -c1-16)
if ! fresh prometheus "$stamp"; then
	cat >"$work/promtool" <<-'END'
		#!/bin/bash
		[[ "$1 $2" == "check ready" ]] || exec /usr/bin/promtool "$@"
		exec 3<>/dev/tcp/localhost/9090
		printf 'GET /-/ready HTTP/1.0\r\n\r\n' >&3
		read -r _ status _ <&3
		[[ $status == 200 ]]
	END
	chmod 755 "$work/promtool"
	from prometheus "$work" <<-END
		FROM $name/base
		RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends prometheus \\
		 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb && mkdir /prometheus && chown 65534:65534 /prometheus
		COPY promtool /usr/local/bin/promtool
		USER 65534:65534
		ENTRYPOINT ["/usr/bin/prometheus"]
		LABEL cubegate.test=$stamp
	END
fi

apiserver=$("$root/deploy/local/tools.sh" apiserver)
stamp=$(cat "$apiserver" "$0" | sha256sum | cut -c1-16)
if ! fresh parts "$stamp"; then
	cp "$apiserver" "$work/kube-apiserver"
	# As PostgreSQL's public image has it: the user is there before the package, and no cluster is made.
	from parts "$work" <<-END
		FROM $name/base
		RUN groupadd --system --gid 999 postgres && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql postgres \\
		 && mkdir -p /etc/postgresql-common/createcluster.d && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/test.conf \\
		 && apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-minimal libpython3-stdlib openssl postgresql etcd-server etcd-client \\
		 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
		COPY kube-apiserver /usr/local/bin/kube-apiserver
		LABEL cubegate.test=$stamp
	END
fi
printf '%s\n' "$name/base" "$name/envoy" "$name/prometheus" "$name/parts"
