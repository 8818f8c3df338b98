# shellcheck shell=bash
# pki.sh: the certificates of one test API server, with openssl; all keys are P-256, all certificates last ten years.
#
# Usage:   source "$here/pki.sh"                          (after lib.sh)
#          make_pki DIR                                   CA, server, admin client (system:masters), service-account key pair
#          make_ca DIR/pki SUBJECT                        a CA alone
#          sign_client DIR/pki FILE SUBJECT               FILE.key and FILE.crt, a client certificate of that CA
# Outputs: in DIR/pki: ca.{key,crt} apiserver.{key,crt} admin.{key,crt} sa.{key,pub}; keys have mode 0600.
# Exit:    `die` with openssl's own words.

readonly pki_days=3650

# ssl ARGUMENT...: openssl, silent unless it fails.
ssl() {
	local said
	said=$(openssl "$@" 2>&1) || die "openssl $1 failed: $said"
}

new_key() { ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# sign PKI FILE SUBJECT EXTENSIONS: FILE.key and FILE.crt, signed by the CA in PKI.
sign() {
	local pki=$1 file=$2 subject=$3 extensions=$4
	new_key "$file.key"
	ssl req -new -key "$file.key" -subj "$subject" -out "$file.csr"
	printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n%s\n' "$extensions" >"$file.ext"
	ssl x509 -req -in "$file.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -set_serial "0x01$(openssl rand -hex 8)" \
		-days "$pki_days" -sha256 -extfile "$file.ext" -out "$file.crt"
	rm -f "$file.csr" "$file.ext"
}

sign_client() { sign "$1" "$2" "$3" extendedKeyUsage=clientAuth; }

# pki_is_good PKI: everything is there and none of it runs out within a day.
pki_is_good() {
	local name
	for name in ca.key apiserver.key admin.key sa.key sa.pub; do
		[[ -s $1/$name ]] || return 1
	done
	for name in ca apiserver admin; do
		openssl x509 -in "$1/$name.crt" -noout -checkend 86400 >/dev/null 2>&1 || return 1
	done
}

# make_ca PKI SUBJECT: ca.key and ca.crt.
make_ca() {
	# A configuration of our own: the system's may add extensions, which then are there twice.
	printf '[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\n%s\n%s\n%s\n' basicConstraints=critical,CA:TRUE \
		keyUsage=critical,keyCertSign,digitalSignature subjectKeyIdentifier=hash >"$1/ca.cnf"
	new_key "$1/ca.key"
	ssl req -x509 -new -key "$1/ca.key" -config "$1/ca.cnf" -subj "$2" -days "$pki_days" -sha256 -out "$1/ca.crt"
	rm -f "$1/ca.cnf"
}

make_pki() {
	local pki=$1/pki new=$1/pki.new mask
	! pki_is_good "$pki" || return 0
	mask=$(umask)
	umask 077
	rm -rf "$new"
	mkdir "$new"
	make_ca "$new" /CN=cubegate-local-ca
	sign "$new" "$new/apiserver" /CN=kube-apiserver "extendedKeyUsage=serverAuth
subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
	sign_client "$new" "$new/admin" /O=system:masters/CN=kubernetes-admin
	new_key "$new/sa.key"
	ssl pkey -in "$new/sa.key" -pubout -out "$new/sa.pub"
	rm -rf "$pki"
	mv "$new" "$pki"
	umask "$mask"
}
