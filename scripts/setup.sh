#!/bin/sh
# Makes .venv ready: `setup.sh run` for the service, `setup.sh test` for the tests as well.
# Does nothing when the requirement files have not changed since the last time. Every package is checked by its hash.
# PYTHON names the Python to use, if not the newest one found.
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
run) wanted=requirements/run.txt ;;
test) wanted=requirements/dev.txt ;;
*) stop "unknown kind '$kind': say run or test" ;;
esac

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# The first Python that will do; else one line that says what is missing.
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

# What the environment was made of: two equal answers need no second installation.
fingerprint() {
    printf '%s\n' "$root"
    cksum "$@" pyproject.toml requirements/build.txt
}

is_ready() {
    [ -f "$stamp" ] && is_new_enough "$venv/bin/python" && [ -x "$venv/bin/openers" ] || return 1
    installed=$(cat "$stamp")
    [ "$installed" = "$(fingerprint requirements/dev.txt)" ] && return
    [ "$kind" = run ] && [ "$installed" = "$(fingerprint requirements/run.txt)" ]
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

# uv is quick; where there is no wheel of it, pip installs the same files, more slowly.
install_packages() {
    pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes"
    if $pip --only-binary :all: -r requirements/tools.txt 2>/dev/null; then
        VIRTUAL_ENV=$root/$venv "$venv/bin/uv" pip sync --quiet --require-hashes requirements/build.txt requirements/tools.txt "$wanted"
    else
        echo "no wheel of uv for this machine: pip installs the packages, which takes some minutes"
        $pip -r requirements/build.txt -r "$wanted"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
}

is_ready && exit 0
make_environment
rm -f "$stamp"
echo "installing the packages of $wanted"
install_packages || stop "the packages of $wanted could not be installed (the lines above say why)"
fingerprint "$wanted" >"$stamp"
