"""A chart as a picture to take along: PNG, SVG or PDF, drawn offline in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import NotDrawn
from report.origin import Origin

ROOT = Path(__file__).parents[1]
FORMS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
"""Form -> its MIME type."""
PATIENCE = 90.0
"""After so long a drawing is given up [s]."""
AT_ONCE = threading.BoundedSemaphore(2)
"""Each such process takes 200 MB: more of them wait."""
ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""All that such a process learns of the server's environment: no secret of an operator."""
LONGEST = 300
"""Of what a process that failed says [characters]."""

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart to be drawn.

    spec : Vega-Lite without its data
    data : rows for each name that it uses
    origin : what it says of itself; None: the bare chart
    """

    spec: Mapping[str, Any]
    data: Rows
    origin: Origin | None = None


def image(drawing: Drawing, form: str) -> bytes:
    """One chart as a file.

    form : one of FORMS
    raises : NotDrawn
    """
    return images([drawing], form)[0]


def images(drawings: Sequence[Drawing], form: str) -> list[bytes]:
    """Charts as files, all drawn by one process.

    raises : NotDrawn
    """
    asked = [
        {"spec": {**one.spec, "datasets": dict(one.data)}, "about": one.origin.about() if one.origin else {}}
        for one in drawings
    ]
    return [base64.b64decode(text) for text in json.loads(_drawn(json.dumps({"form": form, "drawings": asked})))]


def _drawn(request: str) -> bytes:
    command = [sys.executable, "-m", "report.drawing"]
    environment = {name: value for name, value in os.environ.items() if name in ENVIRONMENT}
    try:
        with AT_ONCE:
            done = subprocess.run(  # noqa: S603 - our own module
                command, input=request.encode(), cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE,
                check=True,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotDrawn(f"The chart was not drawn within {PATIENCE:g} s: the machine is busy. Try again.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-LONGEST:]
        raise NotDrawn(f"The chart could not be drawn: {said} Take SVG or the table, and report it.") from None
    return done.stdout
