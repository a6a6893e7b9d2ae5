"""What one file, one session and all of them together may take, set by the operator's environment.

| variable                    | default | meaning                                                              |
| --------------------------- | ------- | -------------------------------------------------------------------- |
| HEADROOM_UPLOAD_GIB         | 4       | largest file that is taken in [GiB]                                  |
| HEADROOM_SESSION_GIB        | 8       | all files that one session has on disk [GiB]                         |
| HEADROOM_UPLOADS_GIB        | 32      | all files of all sessions on disk [GiB]                              |
| HEADROOM_UPLOAD_FOLDER      | cache   | where they lie until they are read; a disk, not memory               |
| HEADROOM_IMPORT_FOLDER      | none    | a folder whose files anybody may import                              |
| HEADROOM_IMPORT_MEMORY_GIB  | 1.5     | memory of the process that reads a file [GiB]                        |
| HEADROOM_IMPORT_MINUTES     | 20      | time of that process [min]; twice that on the processors             |
| HEADROOM_IMPORTS_AT_ONCE    | 2       | such processes at once; more wait                                    |
| HEADROOM_SECRET             | random  | signs links; the same for all copies of the app behind one address   |
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from planner.errors import BadSetting
from planner.quantities import GIB, MINUTE

APP = "headroom"
SHORTEST_SECRET = 16
CPUS = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's word.

    file, session, total : bytes on disk, of one file, of one session, of all [B]
    folder : of files that wait to be read
    memory : of a process that reads [B]
    seconds : of such a process [s]
    at_once : such processes
    shared : folder whose files anybody may import; None: none
    secret : signs links
    """

    folder: Path
    file: int = 4 * GIB
    session: int = 8 * GIB
    total: int = 32 * GIB
    memory: int = 3 * GIB // 2
    seconds: float = 20 * MINUTE
    at_once: int = 2
    shared: Path | None = None
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @property
    def written(self) -> int:
        """Largest file that a process that reads may write: an archive's member, a table [B]."""
        return 2 * self.file

    @property
    def cpu_seconds(self) -> int:
        """On the processors, all threads of a process that reads [s]."""
        return math.ceil(CPUS * self.seconds)


def limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits that the environment sets.

    raises : BadSetting
    """
    folder = environment.get("HEADROOM_UPLOAD_FOLDER")
    shared = environment.get("HEADROOM_IMPORT_FOLDER")
    return Limits(
        folder=Path(folder) if folder else platformdirs.user_cache_path(APP, appauthor=False) / "uploads",
        file=int(_number(environment, "HEADROOM_UPLOAD_GIB", 4) * GIB),
        session=int(_number(environment, "HEADROOM_SESSION_GIB", 8) * GIB),
        total=int(_number(environment, "HEADROOM_UPLOADS_GIB", 32) * GIB),
        memory=int(_number(environment, "HEADROOM_IMPORT_MEMORY_GIB", 1.5) * GIB),
        seconds=_number(environment, "HEADROOM_IMPORT_MINUTES", 20) * MINUTE,
        at_once=math.ceil(_number(environment, "HEADROOM_IMPORTS_AT_ONCE", 2)),
        shared=_folder(shared) if shared else None,
        secret=_secret(environment.get("HEADROOM_SECRET")),
    )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BadSetting(f'{name} is "{text[:40]}". Give a positive number, or leave it out for {default:g}.')
    return value


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise BadSetting(f'HEADROOM_IMPORT_FOLDER is "{text}", which is no folder here. Make it, or leave it out.')
    return path.resolve()


def _secret(text: str | None) -> str:
    if text is None:
        return secrets.token_hex(32)
    if len(text) < SHORTEST_SECRET:
        raise BadSetting(f"HEADROOM_SECRET has {len(text)} characters. Give at least {SHORTEST_SECRET} random ones.")
    return text
