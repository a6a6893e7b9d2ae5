"""A config.json on this machine or on huggingface.co -> Model. `model_from_hub` alone uses the network."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from planner.errors import MalformedFile, TooLarge, UnknownModel
from planner.families import model_from_config
from planner.model import Model
from planner.quantities import Source

MOST_BYTES = 5_000_000
TIMEOUT = 5.0
HUB = "https://huggingface.co"
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def model_from_file(path: str | Path) -> Model:
    """The model of a config.json, with the hf_quant_config.json that lies beside it, if one does.

    path : the file, or a folder that holds config.json
    raises : UnknownModel if there is no such file; TooLarge; MalformedFile if it is not JSON; UnsupportedModel
    valid : Infinity and NaN, which real files hold in fields that we do not need, are refused in those that we need
    """
    file = Path(path)
    try:
        if file.is_dir():
            file = file / "config.json"
        beside = file.with_name("hf_quant_config.json")
        quantized = _parsed(_content(beside), str(beside)) if beside.is_file() and beside != file else None
        config = _parsed(_content(file), str(file))
    except (OSError, ValueError) as problem:
        raise UnknownModel(
            f"{path}: cannot be read ({problem}). Give the path of a config.json or of its folder."
        ) from None
    name = file.resolve().parent.name if file.name == "config.json" else file.stem
    return model_from_config(config, name or file.stem, Source(f"file {file.name}", checked=False), quantized)


def model_from_hub(name: str) -> Model:
    """The model of that name on huggingface.co: fetches config.json, and hf_quant_config.json if there is one.

    name : organisation/model
    raises : UnknownModel if there is none, it is gated, or there is no network; UnsupportedModel
    """
    if not REPOSITORY.fullmatch(name):
        raise UnknownModel(
            f'"{name[:100]}" is no name of huggingface.co. Write organisation/model, such as Qwen/Qwen3-8B.'
        )
    config = _fetched(name, "config.json")
    try:
        quantized = _fetched(name, "hf_quant_config.json")
    except UnknownModel:
        quantized = None
    return model_from_config(config, name, Source(f"{HUB}/{name}/config.json", checked=False), quantized)


def _fetched(name: str, file: str) -> Any:
    place = f"{HUB}/{name}/resolve/main/{file}"
    try:
        with urllib.request.urlopen(place, timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme is https
            content = answer.read(MOST_BYTES + 1)
    except (OSError, HTTPException, urllib.error.URLError) as problem:
        raise UnknownModel(
            f"{file} of {name} could not be fetched from huggingface.co ({problem}). Check the name and the "
            "network; for a gated model, or offline, download config.json yourself and give its path."
        ) from None
    return _parsed(content, place)


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _parsed(content: bytes, place: str) -> Any:
    if len(content) > MOST_BYTES:
        raise TooLarge(
            f"{place}: more than {MOST_BYTES:,} bytes, so it is no config.json. Give the config, not the weights."
        )
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise MalformedFile(f"{place}: not JSON ({problem}). Give config.json as its publisher wrote it.") from None
