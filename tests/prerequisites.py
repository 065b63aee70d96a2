"""Debian packages that set-up and tests need: installed for root, named with the command to type for everybody else.

Runs before the virtual environment exists, so it uses the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")
QUIETLY = ("-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0")


@dataclass(frozen=True)
class Prerequisite:
    package: str
    needed_for: str
    is_present: Callable[[], bool]
    is_vital: bool = False
    """Whether nothing at all works without it."""


def _has_file(folder: str, pattern: str) -> Callable[[], bool]:
    return lambda: any(Path(folder).glob(pattern))


PREREQUISITES = (
    Prerequisite("python3-venv", "everything", lambda: find_spec("ensurepip") is not None, is_vital=True),
    Prerequisite("postgresql", "tests on PostgreSQL", _has_file("/usr/lib/postgresql", "*/bin/initdb")),
    Prerequisite("redis-server", "tests with Redis", lambda: shutil.which("redis-server") is not None),
    Prerequisite("rabbitmq-server", "tests with RabbitMQ", _has_file("/usr/lib/rabbitmq/bin", "rabbitmq-server")),
    Prerequisite("chromium", "tests in a browser", _has_file("/usr/bin", "chromium")),
    Prerequisite(
        "fonts-liberation", "tests in a browser", _has_file("/usr/share/fonts", "**/LiberationSans-Regular.ttf")
    ),
    Prerequisite("libatomic1", "tests in a browser", _has_file("/usr/lib", "*/libatomic.so.1")),
)
TESTS = tuple(one.package for one in PREREQUISITES if not one.is_vital)


def missing(packages: Collection[str]) -> list[Prerequisite]:
    return [one for one in PREREQUISITES if one.package in packages and not one.is_present()]


def install(lacking: list[Prerequisite]) -> None:
    """Ask apt-get; what it cannot get is still missing afterwards."""
    names = [one.package for one in lacking]
    print(f"Installing {', '.join(names)} ...", flush=True)
    for command in (["apt-get", "update", *QUIETLY], [*INSTALL, *QUIETLY, *names]):
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            print(done.stdout, file=sys.stderr)


def complain(lacking: list[Prerequisite]) -> int:
    """Say what is left out and how to get it; gives the exit code."""
    for one in lacking:
        print(f"Left out: {one.needed_for}, because {one.package} is missing.", file=sys.stderr)
    names = " ".join(one.package for one in lacking)
    print(f"Get it by: sudo {' '.join(INSTALL)} {names}", file=sys.stderr, flush=True)
    is_failure = os.environ.get("CI") == "true" or any(one.is_vital for one in lacking)
    return 1 if is_failure else 0


def main(packages: Collection[str]) -> int:
    lacking = missing(packages)
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        install(lacking)
        lacking = missing(packages)
    return complain(lacking) if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or TESTS))
