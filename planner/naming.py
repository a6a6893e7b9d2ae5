"""Names under which a person keeps things: short, and safe as a file's name and in a link."""

from __future__ import annotations

import re

from planner.errors import PlannerError

LONGEST = 60
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}")


def short_name(name: str, what: str, fault: type[PlannerError]) -> str:
    """A name as it is kept.

    name : as a person wrote it; spaces become dashes
    what : that it names, for the message
    fault : raised for a name that cannot be one

    >>> short_name(" our H100 box ", "a calibration", PlannerError)
    'our-H100-box'
    """
    found = re.sub(r"\s+", "-", name.strip())
    if not _NAME.fullmatch(found):
        raise fault(f'"{name[:LONGEST]}" cannot name {what}: use up to {LONGEST} letters, digits, ".", "_" and "-".')
    return found
