#!/bin/sh
# Set up .venv: `setup.sh run` for the service, `setup.sh test` for the tests as well.
# Does nothing if the requirement files have not changed since the last run. Each package is checked by its hash.
# PYTHON names the Python to use; by default the newest one found.
set -eu

kind=${1:?"usage: setup.sh run|test"}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
venv=.venv
stamp=$venv/installed

stop() {
    printf 'set-up stopped: %s\n' "$1" >&2
    exit 1
}

case $kind in
run) wanted="requirements/run.txt requirements/docs.txt" ;;
test) wanted=requirements/dev.txt ;;
*) stop "unknown kind '$kind': say run or test" ;;
esac

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Find the first suitable Python; if there is none, print one line that names the missing part.
find_python() {
    found=
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        command -v "$name" >/dev/null 2>&1 || continue
        found=${found:-$name}
        if is_new_enough "$name"; then
            python=$name
            return
        fi
    done
    [ -n "$found" ] || stop "Python 3.11 or newer is needed and no python3 was found; install it (Debian, Ubuntu: apt-get install python3 python3-venv)"
    stop "Python 3.11 or newer is needed and $found is $("$found" -V 2>&1); install a newer one or name it in PYTHON"
}

# Fingerprint of the environment's inputs: if it has not changed, no installation is needed.
fingerprint() {
    printf '%s\n' "$root"
    cksum "$@" pyproject.toml requirements/build.txt
}

is_ready() {
    [ -f "$stamp" ] && is_new_enough "$venv/bin/python" && [ -x "$venv/bin/openers" ] || return 1
    installed=$(cat "$stamp")
    [ "$installed" = "$(fingerprint requirements/dev.txt)" ] && return
    [ "$kind" = run ] && [ "$installed" = "$(fingerprint $wanted)" ]
}

make_environment() {
    if [ -d "$venv" ] && is_new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    find_python
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        stop "$python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)"
    echo "making $venv with $("$python" -V 2>&1)"
    "$python" -m venv --clear "$venv" || stop "$python could not make $venv"
}

# Download packages with this machine's certificates, not with those of pip and uv, since only the machine trusts a
# TLS-inspecting proxy, as hospitals use. Certificates that the caller has chosen are kept.
use_system_certificates() {
    for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
        /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
        if [ -f "$bundle" ]; then
            export REQUESTS_CA_BUNDLE="${REQUESTS_CA_BUNDLE:-${PIP_CERT:-$bundle}}" UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
            return
        fi
    done
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# uv is fast but optional, so pip prints nothing if it cannot be installed.
install_with_uv() {
    pip_install --require-hashes --only-binary :all: -r requirements/tools.txt 2>/dev/null || {
        echo "uv could not be installed on this machine"
        return 1
    }
    VIRTUAL_ENV=$root/$venv UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-}}" "$venv/bin/uv" pip sync --quiet \
        --require-hashes requirements/build.txt requirements/tools.txt $wanted || {
        echo "uv could not install the packages (the lines above say why)"
        return 1
    }
}

install_with_pip() {
    echo "pip installs the packages, which takes some minutes"
    for file in requirements/build.txt $wanted; do
        pip_install --require-hashes -r "$file" || stop_for_packages "$file"
    done
}

stop_for_packages() {
    stop "pip could not install the packages of $1 (the lines above say why). Is the package index reached (its address: PIP_INDEX_URL; a proxy: HTTPS_PROXY)? Are the certificates those of a proxy (SSL_CERT_FILE)? Then try again"
}

install_project() {
    pip_install --no-deps --no-build-isolation --no-index --editable . ||
        stop "OpenERS itself could not be installed in $venv (the lines above say why); remove $venv, then try again"
}

is_ready && exit 0
make_environment
rm -f "$stamp"
echo "installing the packages of $wanted"
use_system_certificates
install_with_uv || install_with_pip
install_project
fingerprint $wanted >"$stamp"
