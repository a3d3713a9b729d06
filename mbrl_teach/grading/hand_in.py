"""What a student has handed in, as files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MOST_FILES, MOST_BYTES = 200, 20 * 2**20


def files_beside(folder: Path) -> dict[str, bytes]:
    """The regular files of a submission but for its notebooks, by relative path: data that a cell may read.

    Links are not followed, neither to files nor to folders. Beyond 200 files or 20 MiB the rest is left out.
    """
    files, room = {}, MOST_BYTES
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            status = path.lstat()
            if path.suffix == ".ipynb" or not stat.S_ISREG(status.st_mode) or status.st_size > room:
                continue
            if len(files) == MOST_FILES:
                return files
            files[str(path.relative_to(folder))] = path.read_bytes()
            room -= status.st_size
    return files
