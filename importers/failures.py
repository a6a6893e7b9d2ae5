"""Why a request failed, in a word: error messages hold addresses, prompts and tokens, so none is kept.

| in the message, or the HTTP status      | class        |
| --------------------------------------- | ------------ |
| 408, 504, timeout, timed out            | timeout      |
| 429, rate limit, too many requests      | rate_limited |
| context length, maximum tokens          | too_long     |
| connect, reset, broken pipe, disconnect | connection   |
| cancelled, aborted, interrupted         | cancelled    |
| 401, 403, unauthorized                  | not_allowed  |
| 404, not found                          | not_found    |
| another 4xx, bad request                | bad_request  |
| another 5xx, internal server error      | server_error |
| empty answer, no token, JSON            | bad_answer   |
| anything else                           | other        |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

OTHER = "other"
LONGEST_LOOKED_AT = 2000
"""Characters of a message that are looked at: the cause stands at its beginning or end."""
CLASSES: tuple[tuple[str, str], ...] = (
    ("timeout", r"time[d]?[ _-]?out|\b(408|504)\b"),
    ("rate_limited", r"rate.?limit|too many requests|\b429\b"),
    ("too_long", r"context.?(length|window)|max(imum)?.{0,20}tokens|token.?limit|too long"),
    ("connection", r"connect|reset by peer|broken pipe|unreachable|no route|name resolution|errno"),
    ("cancelled", r"cancel|abort|interrupt"),
    ("not_allowed", r"unauthori[sz]ed|forbidden|\b(401|403)\b"),
    ("not_found", r"not.?found|no such model|\b404\b"),
    ("bad_request", r"bad.?request|invalid|unprocessable|\b4\d\d\b"),
    ("server_error", r"server.?error|bad gateway|unavailable|internal|\b5\d\d\b"),
    ("bad_answer", r"json|decode|payload|empty|never received|no (valid )?(token|chunk|response|output)"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in CLASSES)


@lru_cache(maxsize=4096)
def failure_class(message: str) -> str:
    """The class of an error message.

    >>> failure_class("Cannot connect to host 10.0.0.7:8000")
    'connection'
    >>> failure_class("HTTP 500 Internal Server Error"), failure_class("?")
    ('server_error', 'other')
    """
    looked_at = message[:LONGEST_LOOKED_AT] + " " + message[LONGEST_LOOKED_AT:][-LONGEST_LOOKED_AT:]
    return next((name for name, pattern in _PATTERNS if pattern.search(looked_at)), OTHER)


def failure_counts(classes: Iterable[str | None]) -> str:
    """How many of each class, most frequent first.

    >>> failure_counts(["timeout", None, "timeout", "other"])
    '2 timeout, 1 other'
    """
    counted = Counter(name for name in classes if name)
    return ", ".join(f"{count} {name}" for name, count in counted.most_common())
