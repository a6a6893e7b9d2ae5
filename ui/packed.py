"""Pins as one short word of a link: JSON, compressed with a dictionary of what questions are made of, as URL-safe text.

The first letter names the dictionary. A dictionary never changes: links hold what was packed with it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple

from planner.errors import BadPins
from store.pins import Pin, checked

LONGEST = 6000
"""Letters of a packed word: with them an address still goes through every proxy and chat."""
MOST_BYTES = 200_000
DICTIONARIES: Mapping[str, bytes] = {
    "1": (
        b"&calibration=&experts=&version=&async=off&prefix=off&eager=True&cached=&seqs=&budget=&rate=0.&load=batch"
        b"&quantization=nvfp4mxfp4int8int4gptqawqbf16fp16&kv=fp8&output=256&prompt=512&prompt=1024&output=512"
        b"&output=1024&concurrency=128&concurrency=16&concurrency=32&concurrency=64 requests at once, "
        b" SXM 80GB PCIe 141GB on 1 \xc3\x97 H100 SXM 80GB A100 L40S B200 H200 on 2 \xc3\x97 on 4 \xc3\x97 on 8 "
        b"\xc3\x97 mi300xrtx-4090rtx-pro-6000gb200b300l4t4a100-sxm-40gba100-pcie-80gba100-sxm-80gb"
        b"h100-pcieb200l40sh200-sxm"
        b"nvidia/zai-org/GLM-mistralai/Mistral-deepseek-ai/DeepSeek-V3google/gemma-3-openai/gpt-oss-20b"
        b"openai/gpt-oss-120bQwen/Qwen3-30B-A3BQwen/Qwen3-8BQwen/Qwen3-32B-FP8-AWQmeta-llama/Llama-3.3-70B"
        b'-Instructmeta-llama/Llama-3.1-8B-Instruct&model=&gpus=2&gpus=8&gpus=4","v=1&run=","v=1&gpu=h100-sxm",""],["'
    )
}
LATEST = max(DICTIONARIES)


def pack(pins: Iterable[Pin]) -> str:
    """Pins as a word of a link; empty for none.

    raises : BadPins where the word would be too long
    """
    rows = [astuple(pin) for pin in pins]
    if not rows:
        return ""
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    deflate = zlib.compressobj(9, wbits=-15, zdict=DICTIONARIES[LATEST])
    packed = deflate.compress(text) + deflate.flush()
    word = LATEST + base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(word) > LONGEST:
        raise BadPins(
            "These pins with their notes are too long for a link. Save them under a name, or shorten the notes."
        )
    return word


def unpack(word: str) -> tuple[Pin, ...]:
    """The pins of a word of a link, which may come from anywhere.

    raises : BadPins
    """
    if not word:
        return ()
    try:
        packed = base64.urlsafe_b64decode(word[1:LONGEST] + "=" * (-len(word[1:LONGEST]) % 4))
        inflate = zlib.decompressobj(wbits=-15, zdict=DICTIONARIES[word[0]])
        text = inflate.decompress(packed, MOST_BYTES)
        if not inflate.eof:
            raise BadPins("The link was cut off, or holds more than pins. Ask for it again.")
        return checked(json.loads(text))
    except (KeyError, TypeError, ValueError, RecursionError, zlib.error) as error:
        raise BadPins("The pins in this link cannot be read: it was cut off or changed. Ask for it again.") from error
