"""What one file, one session and all of them together may take, as the operator set it (settings/variables.py)."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from planner.quantities import GIB, MINUTE
from settings import settings

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
    told = settings(environment)
    return Limits(
        folder=told.upload_folder,
        file=int(told.upload_gib * GIB),
        session=int(told.session_gib * GIB),
        total=int(told.uploads_gib * GIB),
        memory=int(told.import_memory_gib * GIB),
        seconds=told.import_minutes * MINUTE,
        at_once=told.imports_at_once,
        shared=told.import_folder,
        secret=told.secret or secrets.token_hex(32),
    )
