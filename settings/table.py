"""The settings as a table: for docs/hosting.md and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from settings.kinds import SECRET
from settings.variables import PREFIX, variables

HEAD = ("variable", "kind", "default", "meaning")


def markdown() -> str:
    """All variables as a table in Markdown."""
    rows = [HEAD, ("---",) * len(HEAD)]
    rows += [(f"`{one.name}`", one.kind.name, one.default, one.meaning) for one in variables()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def lines(environment: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable: what it is set to here, or its default, and what it means. Secrets are not shown."""
    for one in variables():
        text = environment.get(one.name)
        shown = f"({one.default})" if not text else "(set)" if one.kind is SECRET else text
        yield f"{one.name:27}  {shown:20}  {one.meaning}"


def strangers(environment: Mapping[str, str]) -> list[str]:
    """Variables of our prefix that mean nothing to us: a slip, or another program's."""
    known = {one.name for one in variables()}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
