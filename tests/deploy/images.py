"""Build and run the container image as root with buildah, on a machine that reaches no registry of images.

Debian's packages become a stand-in for the public base image and get its name, so the Containerfile is used as it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S, until

FILE: Final = ROOT / "Containerfile"
BASE: Final = re.findall(r"(?m)^FROM (\S+)", FILE.read_text())[-1]
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
NO_MIRROR: Final = "the packages of the base image cannot be fetched"
USER: Final = 65532

IN_READ_ONLY_ROOT: Final = """
set -eu
root=$1 at=$2 data=$3 user=$4 folder=$5
shift 5
mount --bind "$root" "$at"
mount -o remount,bind,ro "$at"
mount -t proc proc "$at/proc"
mount --bind /dev "$at/dev"
mount -t tmpfs tmpfs "$at/tmp"
mount --bind "$data" "$at$folder"
exec chroot --userspec="$user" "$at" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
"""Run a command in the image: its root is read-only, `data` is its volume, its own /tmp is in memory."""


@dataclass(frozen=True)
class Image:
    """An image: its configuration, and the folder with its files."""

    config: Mapping[str, Any]
    root: Path
    mounts: Path

    def command(self, words: Sequence[str], data: Path, settings: Mapping[str, str]) -> list[str]:
        """Return the command that runs `words` in the image, as its user, with `data` as its volume.

        The environment is what the image sets, and `settings`.
        """
        folder = str(self.config["WorkingDir"])
        script = [*("unshare", "--mount", "sh", "-c", IN_READ_ONLY_ROOT, "sh"), str(self.root), str(self.mounts)]
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in settings.items())]
        return [*script, str(data), str(self.config["User"]), folder, "env", "-i", *variables, *words]

    def run(self, words: Sequence[str], data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the image to its end."""
        return subprocess.run(self.command(words, data, settings), capture_output=True, text=True, check=False)

    @contextmanager
    def started(self, words: Sequence[str], data: Path, **settings: str) -> Generator[None]:
        """Run the image's entry point with `words` until the end of the block. Its health check must pass first."""
        log = data.parent / f"{data.name}.log"
        command = self.command([*self.config["Entrypoint"], *words], data, settings)
        with log.open("w") as told:
            process = subprocess.Popen(command, stdout=told, stderr=told, start_new_session=True)
        check = self.config["Healthcheck"]["Test"]
        assert check[0] == "CMD"

        def is_healthy() -> bool:
            assert process.poll() is None, log.read_text()
            return self.run(check[1:], data, **settings).returncode == 0

        try:
            until(is_healthy, log.read_text, lambda _: process.poll())
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(HANGS_AFTER_S)


class Builder:
    """buildah with its own store in a folder."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which holds the base system, the build context and all images."""
        self._folder = folder
        self._options = ["--root", str(folder / "images"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def make_base(self) -> None:
        """Make the stand-in for the base image: Debian with Python, and the certificates that this machine trusts."""
        system = self._folder / "system"
        suite = BASE.rpartition("-")[2]
        command = ["debootstrap", "--variant=minbase", "--include=python3-venv", suite, str(system)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 and os.environ.get("OPENERS_REQUIRE") != "all":
            pytest.skip(NO_MIRROR)
        assert done.returncode == 0, done.stdout[-3000:]
        (system / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
        shutil.copy(CERTIFICATES, system / CERTIFICATES.relative_to("/"))
        container = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", container, str(system), "/")
        self._buildah("commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(system)

    def build(self, wheel: Path) -> Image:
        """Build the image from the files that the Containerfile names; return it."""
        context = self._folder / "context"
        (context / "dist").mkdir(parents=True)
        shutil.copy(wheel, context / "dist")
        shutil.copytree(ROOT / "requirements", context / "requirements")
        for name in (FILE.name, ".dockerignore", "THIRD-PARTY-NOTICES"):
            shutil.copy(ROOT / name, context)
        secret = self._folder / "pip.conf"
        secret.write_text(_pip_settings())
        options = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--layers=false", "--quiet"]
        self._buildah("build", *options, "--secret", f"id=pip,src={secret}", "--tag", "openers", str(context))
        told = json.loads(self._buildah("inspect", "--type", "image", "openers"))
        container = self._buildah("from", "--pull-never", "openers")
        mounts = self._folder / "mounts"
        mounts.mkdir()
        return Image(told["Docker"]["config"], Path(self._buildah("mount", container)), mounts)

    def remove(self) -> None:
        """Remove all images and containers."""
        self._buildah("rm", "--all")
        self._buildah("rmi", "--all", "--force")

    def _buildah(self, *words: str) -> str:
        done = subprocess.run(["buildah", *self._options, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()


def _pip_settings() -> str:
    """Return a pip.conf with the index of this machine, if it has one of its own, and its certificates."""
    told = [f"cert = {CERTIFICATES}"]
    if index := os.environ.get("PIP_INDEX_URL"):
        told.append(f"index-url = {index}")
    return "\n".join(("[global]", *told, ""))
