"""Disks that are full or read-only, for real where this user may mount one, as nearly as possible elsewhere."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = "12m"


@dataclass
class Disk:
    """A folder that can be filled up or made read-only."""

    folder: Path
    mounted: bool

    def fill(self) -> None:
        """Leave no room: on a disk of its own to the last byte, elsewhere by a limit on what a process may write."""
        if not self.mounted:
            _limit_files(0)
            return
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            size = 1 << 20
            while size:
                try:
                    filler.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Give the room back."""
        _limit_files(resource.RLIM_INFINITY)
        (self.folder / "filler").unlink(missing_ok=True)

    def protect(self) -> None:
        """Let nothing be written any more."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)
        else:
            self._chmod(0o555, 0o444)

    def release(self) -> None:
        """Let everything be written again."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,rw", str(self.folder)], check=True)
        else:
            self._chmod(0o755, 0o644)

    def _chmod(self, folders: int, files: int) -> None:
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(folders if path.is_dir() else files)


def _limit_files(size: int) -> None:
    """Have this process write no file beyond ``size`` bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


@contextmanager
def disk_at(folder: Path) -> Iterator[Disk]:
    """Mount a small disk on a new folder, where this user may, and take it away in the end."""
    folder.mkdir(parents=True)
    order = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(order, check=False, capture_output=True).returncode == 0
    disk = Disk(folder, mounted)
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        else:
            disk.free()
            disk.release()
