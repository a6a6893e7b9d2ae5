"""data/models/*.yaml -> models. Nothing is parsed before the first question, and a name builds only its own model."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from planner.catalogue import READERS
from planner.entries import ModelRow
from planner.errors import AmbiguousName, BadRow, PlannerError, UnknownModel
from planner.families import model_from_config
from planner.model import Checkpoint, Model
from planner.model_files import model_from_file, model_from_hub
from planner.model_names import Storage, unversioned, words
from planner.parameters import ROLES, parameter_count
from planner.quantities import Source
from planner.whose import of_own, own

__all__ = ["find_model", "model_from_file", "model_from_hub", "models"]

DATA = Path(__file__).parent.parent / "data" / "models"
OWN = "own/"
"""How the name of a model begins that is not of the catalogue, but a reader's own."""
BLOCK_SCALED = ("qwen/", "zai-org/", "deepseek-ai/", "minimaxai/", "moonshotai/")
"""Publishers whose own fp8 copies have scales of blocks."""

FROM_NAME = "How the weights are stored was read from the name: {}, with embedding, lm_head and router left in 16 bits."


class Models(Mapping[str, Model]):
    """Every model under its Hugging Face id, each built when it is first asked for."""

    def __getitem__(self, name: str) -> Model:
        """The model of exactly that id."""
        return _built(rows()[name].name)

    def __iter__(self) -> Iterator[str]:
        """The ids, in the order of the files."""
        return iter(rows())

    def __len__(self) -> int:
        """Number of models."""
        return len(rows())


def models() -> Mapping[str, Model]:
    """Every model of the catalogue under its id, quantized copies that have an id of their own included.

    raises : BadRow naming file, row and field
    """
    return Models()


def find_model(name: str) -> Model:
    """The model that a person or a tool means by a name, whatever its case, uploader, tuning or quantization.

    name : id, alias, id with another organisation or -Instruct, -AWQ, ...; or the path of a config.json or its folder
    raises : UnknownModel with the nearest names; AmbiguousName with the candidates; UnsupportedModel for a file

    >>> find_model("TheBloke/Llama-2-7B-AWQ").checkpoint.scheme
    'awq'
    """
    local = _local(name)
    return known_model(name) if local is None else model_from_file(local)


def known_model(name: str) -> Model:
    """The same, by name alone: what a visitor of the app types never opens a file of the server.

    name : as in find_model, but for paths
    raises : UnknownModel, AmbiguousName
    """
    exact = _names().exact.get(_folded(name))
    if exact is not None:
        return models()[exact]
    if name.startswith(OWN):
        raise UnknownModel(
            f'No own model "{name[:100]}" in this store. Ask who named it for its config.json; add it on Catalogue.'
        )
    asked = words(name)
    found = _names().keys.get(asked.key) or _names().unversioned.get(asked.key, frozenset())
    if not found:
        raise UnknownModel(_unknown(name))
    bases = sorted({rows()[known].base for known in found})
    if len(bases) > 1:
        raise AmbiguousName(f'"{name}" means several models. Say which: {", ".join(bases)}.')
    known = bases[0] if bases[0] in found else min(found)
    return _stored_as(models()[known], name.strip(), asked.storage)


def _stored_as(model: Model, name: str, storage: Storage | None) -> Model:
    if storage is None:
        return replace(model, name=name)
    if storage.scheme is None:
        return replace(model, name=name, checkpoint=Checkpoint(dtype=model.checkpoint.dtype))
    block = storage.block or (storage.scheme == "fp8" and name.lower().startswith(BLOCK_SCALED))
    if (storage.scheme, block) == (model.checkpoint.scheme, model.checkpoint.block):
        return replace(model, name=name)
    stored = Checkpoint(storage.scheme, model.checkpoint.dtype, block=block, kv_cache=_kv_cache(name, storage.scheme))
    return replace(model, name=name, checkpoint=stored, caveats=(*model.caveats, FROM_NAME.format(storage.scheme)))


def _unknown(name: str) -> str:
    shown = name if len(name) <= 100 else f"{name[:100]}..."
    pool = {_folded(known).rsplit("/", 1)[-1]: known for known in reversed(list(rows()))}
    close = difflib.get_close_matches(_folded(shown).rsplit("/", 1)[-1], pool, n=4, cutoff=0.4)
    nearest = ", ".join(pool[key] for key in close) or "none"
    return f'No model "{shown}" in the catalogue. Nearest: {nearest}. Choose one, or give the path of its config.json.'


def _local(name: str) -> Path | None:
    path = Path(name)
    try:
        named = name.endswith(".json") or (path / "config.json").is_file()
    except (OSError, ValueError):
        return None
    return path if named else None


@dataclass(frozen=True, slots=True)
class Names:
    """Ids by spelling.

    exact : folded ids and short names, with and without the organisation
    keys : what `words` leaves of ids and aliases; several models may share it
    unversioned : the same without the trailing version
    """

    exact: Mapping[str, str]
    keys: Mapping[str, frozenset[str]]
    unversioned: Mapping[str, frozenset[str]]


@of_own(READERS)
def _names() -> Names:
    exact, keys, bare = defaultdict(set), defaultdict(set), defaultdict(set)
    for name, row in rows().items():
        for spelling in (name, *row.fields["short"]):
            exact[_folded(spelling)].add(name)
            exact[_folded(spelling).rsplit("/", 1)[-1]].add(name)
            if not row.is_copy:
                key = words(spelling).key
                keys[key].add(name)
                bare[unversioned(key)].add(name)
    single = {spelling: next(iter(found)) for spelling, found in exact.items() if len(found) == 1}
    return Names(single, {k: frozenset(v) for k, v in keys.items()}, {k: frozenset(v) for k, v in bare.items()})


def _folded(name: str) -> str:
    return "-".join(name.strip().lower().split())


@of_own(READERS)
def rows() -> Mapping[str, ModelRow]:
    """Every row under its name, own ones last; nothing is built.

    raises : BadRow naming file, row and field
    """
    return _read() | {row.name: row for row in own().models}


@cache
def _read() -> dict[str, ModelRow]:
    found: dict[str, ModelRow] = {}
    for file in sorted(DATA.glob("*.yaml")):
        for row in rows_of(file):
            if row.name in found:
                raise BadRow(f'{row.file}: "{row.name}" stands in {found[row.name].file} too. Keep one of the rows.')
            found[row.name] = row
    return found


def rows_of(file: Path) -> Iterator[ModelRow]:
    """The rows of one catalogue file: each model, then those of its shapes, then its quantized copies.

    file : a YAML list
    raises : BadRow naming file, row and field
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    shown = f"data/models/{file.name}"
    try:
        rows = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are safe
        for fields in rows:
            name = _checked(fields, shown, ("name", "source", "parameters", "config"))
            aliases = fields.get("aliases", ())
            yield ModelRow(name, name, {**fields, "short": [alias for alias in aliases if "/" not in alias]}, shown)
            yield from (ModelRow(alias, name, _alike(fields, alias), shown) for alias in aliases if "/" in alias)
            for copy in fields.get("variants", ()):
                merged = {**fields, "short": (), "checked": True, **copy}
                merged["config"] = {**fields["config"], **copy.get("config", {})}
                yield ModelRow(
                    _checked(copy, shown, ("name", "source", "checkpoint")), name, merged, shown, is_copy=True
                )
    except (yaml.YAMLError, TypeError, AttributeError) as problem:
        raise BadRow(f"{shown}: not a list of rows ({problem}). See data/models/README.md.") from None


def _alike(fields: Mapping[str, Any], alias: str) -> Mapping[str, Any]:
    """The row of another model with the same shapes: read from the file if it is but a tuning of the model."""
    read = fields.get("checked", True) is True and words(alias).key == words(str(fields["name"])).key
    return {**fields, "short": (), "checked": read, "source": f"shapes of {fields['name']}; {fields['source']}"}


def _checked(fields: Mapping[str, Any], file: str, needed: tuple[str, ...]) -> str:
    for key in needed:
        if not fields.get(key):
            raise BadRow(
                f'{file}, model "{fields.get("name", "?")}": field {key} is missing. See data/models/README.md.'
            )
    return str(fields["name"])


@of_own(1024)
def _built(name: str) -> Model:
    return model_of(rows()[name])


def model_of(row: ModelRow) -> Model:
    """The model that a row describes.

    row : of a catalogue file
    raises : BadRow if its config cannot be read or counts differently from its `parameters`
    """
    fields = row.fields
    source = Source(str(fields["source"]), checked=fields.get("checked", True) is True)
    try:
        model = model_from_config(fields["config"], row.name, source)
    except PlannerError as problem:
        raise BadRow(f'{row.file}, model "{row.name}": {problem}') from None
    count, stated = parameter_count(model), fields["parameters"]
    if count != stated:
        raise BadRow(f'{row.file}, model "{row.name}": parameters is {stated}, its config counts {count}. Correct one.')
    caveats = model.caveats + tuple(fields.get("caveats", ()))
    return replace(model, checkpoint=_checkpoint(fields, model, row), caveats=caveats)


def _checkpoint(fields: Mapping[str, Any], model: Model, row: ModelRow) -> Checkpoint:
    stored = fields.get("checkpoint")
    if stored is None:
        return model.checkpoint
    kept = frozenset({"embedding", "router", *stored.get("unquantized", ["lm_head"])})
    if not kept <= set(ROLES):
        raise BadRow(
            f'{row.file}, model "{row.name}": unquantized holds {sorted(kept - set(ROLES))}; roles are {ROLES}.'
        )
    return Checkpoint(
        stored.get("scheme"), model.checkpoint.dtype, kept, stored.get("block") is True, stored.get("kv_cache")
    )


def _kv_cache(name: str, scheme: str | None) -> str | None:
    """NVIDIA's own FP8 and NVFP4 checkpoints declare an fp8 KV cache, as every hf_quant_config.json of theirs does."""
    return "fp8" if name.lower().startswith("nvidia/") and scheme in ("fp8", "nvfp4") else None
