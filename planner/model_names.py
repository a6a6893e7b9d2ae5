"""What a model's name says besides the model: uploader, tuning and quantization. Pure text, no catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

NOISE = frozenset({"instruct", "chat", "hf", "it", "pt", "base", "unsloth"})
"""Words that change neither shapes nor storage."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How a name says that the weights are stored.

    scheme : quantization scheme, or None for 16 bits
    block : fp8 scales are of blocks of 128 x 128 weights
    """

    scheme: str | None
    block: bool = False


STORED: tuple[tuple[str, Storage], ...] = (
    (r"fp8-block", Storage("fp8", block=True)),
    (r"fp8(?:-dynamic|-kv)?", Storage("fp8")),
    (r"(?:quantized\.)?w8a8(?:-int8)?|int8-w8a8", Storage("int8")),
    (r"(?:quantized\.)?w4a16", Storage("int4")),
    (r"(?:int4-)?awq(?:-int4|-4bit|-marlin)?", Storage("awq")),
    (r"gptq(?:-int4|-4bit)?(?:-marlin)?|marlin", Storage("gptq")),
    (r"nvfp4|fp4", Storage("nvfp4")),
    (r"mxfp4", Storage("mxfp4")),
    (r"bnb-4bit|int4", Storage("int4")),
    (r"bnb-8bit|int8", Storage("int8")),
    (r"bf16|fp16", Storage(None)),
)


@dataclass(frozen=True, slots=True)
class Words:
    """A name taken apart.

    key : what names the model itself, in one spelling
    storage : what the name says of quantization; None: nothing
    """

    key: str
    storage: Storage | None


def words(name: str) -> Words:
    """A name without uploader, tuning and quantization, in one spelling.

    name : "TheBloke/Llama-2-7B-AWQ", "Meta-Llama-3.1-8B-Instruct", "Llama2 70B", ...

    >>> words("TheBloke/Llama-2-7B-Chat-AWQ")
    Words(key='llama-2-7b', storage=Storage(scheme='awq', block=False))
    """
    spelled = re.sub(r"[\s_]+", "-", name.strip().lower()).rsplit("/", 1)[-1]
    spelled = re.sub(r"^meta-(?=llama)", "", spelled)
    spelled = re.sub(r"(?<![a-z])llama-?v?(?=\d)", "llama-", spelled)
    rest, storage = _storage(spelled)
    kept = [word for word in rest.split("-") if word and word not in NOISE]
    return Words("-".join(kept), storage)


def unversioned(key: str) -> str:
    """A key without its trailing version, as people leave it out.

    key : of `words`

    >>> unversioned("mixtral-8x7b-v0.1")
    'mixtral-8x7b'
    """
    return re.sub(r"-v\d+(?:\.\d+)*$", "", key)


def _storage(spelled: str) -> tuple[str, Storage | None]:
    for pattern, storage in STORED:
        found = re.search(rf"-(?:{pattern})(?=-|$)", spelled)
        if found:
            return spelled[: found.start()] + spelled[found.end() :], storage
    return spelled, None
