"""The name of a kernel's function alone, where a tool gives only the whole signature.

| signature                                         | short name |
| ------------------------------------------------- | ---------- |
| return type, namespaces, template, parameters     | left out   |
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_NAME = 4096
"""Characters of a name that are kept: template arguments beyond them tell nothing."""
_UNNAMED = re.compile(r"\((?:anonymous namespace|anonymous)\)|<unnamed>|\{[^{}]*\}")
_TEMPLATE = re.compile(r"<[^<>]*>")
_DEEPEST = 40


@lru_cache(maxsize=65_536)
def short_name(name: str) -> str:
    """The function's own name.

    >>> short_name("void at::native::<unnamed>::reduce_kernel<512, 1, at::ReduceOp<float>>(at::ReduceOp<float>)")
    'reduce_kernel'
    >>> short_name("std::enable_if<!T7, void>::type internal::gemvx::kernel<int, float>(T8)"), short_name("nvjet_tst")
    ('kernel', 'nvjet_tst')
    """
    text = _UNNAMED.sub("", name[:LONGEST_NAME])
    for _ in range(_DEEPEST):
        text, count = _TEMPLATE.subn("", text)
        if not count:
            break
    words = text.partition("(")[0].partition("<")[0].split()
    return words[-1].rpartition("::")[2] if words and not words[-1].endswith(":") else name[:LONGEST_NAME]
