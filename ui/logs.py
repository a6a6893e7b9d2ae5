"""The log as lines of JSON, without user data: of an error its type and place, not its text, which may quote a file."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

ROOMS = ("intake", "store", "ui")
LIBRARIES = ("streamlit", "uvicorn")
DEEPEST = 5


class Lines(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message; what a record tells beside; of an error its type and place."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        line |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0]:
            line |= {"error": record.exc_info[0].__name__, "at": _places(record.exc_info[2])}
        return json.dumps(line, default=str)


def set_up(form: str) -> None:
    """Logs as lines of JSON, requests and imports too; as text, what the libraries' own settings show.

    form : text or json
    """
    if form != "json":
        return
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.root.handlers = [handler]
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LIBRARIES]:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True  # it tells addresses whole, with their tokens
    for name in ROOMS:
        logging.getLogger(name).setLevel(logging.INFO)


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(trace)[-DEEPEST:]]
