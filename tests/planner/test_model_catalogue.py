"""Names -> models: what resolves, to what, and what must not."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalogue_models import DATA, find_model, model_from_hub, model_of, models, rows_of
from planner.errors import AmbiguousName, BadRow, UnknownModel
from planner.families import model_from_config
from planner.model import Model
from planner.model_names import unversioned, words
from planner.parameters import parameter_count
from planner.quantities import Source

HERE = Path(__file__).parent
MEASUREMENTS = HERE.parents[1].parent / "shared" / "measurements"
CONFIGS = MEASUREMENTS.parent / "model_configs"
TABLES = (
    "vllm_serving",
    "lab_decode_sweep",
    "lab_prefill_sweep",
    "t4_awq_load_tests",
    "t4_awq_static",
    "kv_cache_logs",
)

LLAMA_8B, LLAMA_70B = 8_030_261_248, 70_553_706_496

RESOLVES = [
    ("meta-llama/Llama-3.1-8B-Instruct", LLAMA_8B, None),
    ("meta-llama/Meta-Llama-3.1-8B", LLAMA_8B, None),
    ("LLAMA-3.1-8b", LLAMA_8B, None),
    ("  Llama 3.1 8B ", LLAMA_8B, None),
    ("llama3.1-8b", LLAMA_8B, None),
    ("Llama v3.1 70B", LLAMA_70B, None),
    ("nvidia/Llama-3.1-8B-Instruct-FP8", LLAMA_8B, "fp8"),
    ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", LLAMA_70B, "fp8"),
    ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", LLAMA_70B, "int8"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", LLAMA_8B, "int4"),
    ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", LLAMA_8B, "awq"),
    ("unsloth/meta-llama-3.1-8b-instruct-unsloth-bnb-4bit", LLAMA_8B, "int4"),
    ("TheBloke/Llama-2-7B-AWQ", 6_738_415_616, "awq"),
    ("TheBloke/Llama-2-7B-Chat-GPTQ", 6_738_415_616, "gptq"),
    ("Llama 3.1 405B FP4", 405_853_388_800, "nvfp4"),
    ("Qwen/Qwen3-235B-A22B-FP8", 235_093_634_560, "fp8"),
    ("nvidia/Qwen3-235B-A22B-NVFP4", 235_093_634_560, "nvfp4"),
    ("openai/gpt-oss-120b", 116_829_156_672, "mxfp4"),
    ("unsloth/gpt-oss-20b-BF16", 20_914_757_184, None),
    ("mixtral-8x7b", 46_702_792_704, None),
    ("unsloth/mistral-7b-instruct-v0.3-bnb-4bit", 7_248_023_552, "int4"),
    ("unsloth/Qwen3-4B-Base", 4_022_468_096, None),
    ("cyankiwi/gemma-4-31B-it-AWQ-4bit", 31_273_086_512, "awq"),
    ("Qwen3.6-35B-A3B-NVFP4", 34_660_610_688, "nvfp4"),
    ("deepseek-ai/DeepSeek-R1-0528", 671_026_404_352, "fp8"),
]

UNKNOWN = [
    "Qwen3-8B-VL",
    "Qwen/Qwen3-8B-Embedding",
    "Llama-3.1",
    "Llama-3.1-7B",
    "8B",
    "",
    "instruct",
    "AWQ",
    "Llama-3.1-8B-GPTQ-Int8-pruned",
    "gpt2",
    "x" * 10_000,
    "nul\0byte",
    "../../etc/passwd",
]


@pytest.mark.parametrize(("name", "count", "scheme"), RESOLVES, ids=[name for name, _, _ in RESOLVES])
def test_resolves(name: str, count: int, scheme: str | None) -> None:
    model = find_model(name)
    assert parameter_count(model) == count
    assert model.checkpoint.scheme == scheme


@pytest.mark.parametrize("name", UNKNOWN, ids=[repr(name[:20]) for name in UNKNOWN])
def test_does_not_resolve(name: str) -> None:
    with pytest.raises(UnknownModel, match="Nearest"):
        find_model(name)


@pytest.mark.parametrize("name", list(models()))
def test_every_id_resolves_to_itself_with_and_without_case(name: str) -> None:
    model = models()[name]
    assert model.name == name
    assert find_model(name) == find_model(name.upper()) == model


def test_a_name_without_version_is_ambiguous() -> None:
    with pytest.raises(AmbiguousName, match=r"Mistral-7B-Instruct-v0\.2.*Mistral-7B-v0\.1"):
        find_model("Mistral-7B")


def test_a_quantized_copy_keeps_its_name_and_says_what_was_guessed() -> None:
    model = find_model("TheBloke/Llama-2-7B-AWQ")
    assert model.name == "TheBloke/Llama-2-7B-AWQ"
    assert "read from the name" in model.caveats[-1]


def test_fp8_of_the_publisher_has_blocks_and_of_others_not() -> None:
    assert find_model("Qwen/Qwen3-14B-FP8").checkpoint.block
    assert not find_model("RedHatAI/Qwen3-14B-FP8-dynamic").checkpoint.block
    assert find_model("unsloth/Llama-3.2-1B-Instruct-FP8-Block").checkpoint.block


def test_unknown_names_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="Qwen/Qwen3-32B"):
        find_model("Qwen3-33B")


def test_catalogue_is_broad() -> None:
    assert len(models()) >= 200
    assert len({model.family for model in models().values()}) >= 30


def test_unchecked_shapes_say_so() -> None:
    written_down = [model for model in models().values() if "not read from a file" in model.source.text]
    assert written_down
    assert not any(model.source.checked for model in written_down)


def test_words() -> None:
    assert words("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8").key == "llama-3.1-70b"
    assert unversioned("mistral-7b-v0.3") == "mistral-7b"


@pytest.mark.skipif(not MEASUREMENTS.exists(), reason="the shared folder with measurements is not here")
@pytest.mark.parametrize("table", TABLES)
def test_every_measured_model_resolves(table: str) -> None:
    with (MEASUREMENTS / f"{table}.csv").open() as file:
        names = {row["model"] for row in csv.DictReader(file)}
    assert all(isinstance(find_model(name), Model) for name in names)


@pytest.mark.skipif(not CONFIGS.exists(), reason="the shared folder with real config.json files is not here")
def test_rows_say_what_the_real_files_say() -> None:
    compared = 0
    for name, model in models().items():
        file = CONFIGS / f"{name.replace('/', '--')}.json"
        if not file.exists():
            continue
        beside = file.with_name(f"{file.stem}_hf_quant_config.json")
        quantized = json.loads(beside.read_text()) if beside.exists() else None
        real = model_from_config(json.loads(file.read_text()), name, Source("real"), quantized)
        assert (model.layers, model.checkpoint) == (real.layers, real.checkpoint), name
        assert (model.hidden, model.vocab, model.tied, model.max_context) == (
            (real.hidden, real.vocab, real.tied, real.max_context)
        ), name
        compared += 1
    assert compared >= 75


class TestFiles:
    def test_a_path_or_folder_is_read(self, tmp_path: Path) -> None:
        config = tmp_path / "My-Model" / "config.json"
        config.parent.mkdir()
        config.write_bytes((HERE / "samples" / "real" / "Llama-3.1-8B.json").read_bytes())
        for name in (str(config), str(config.parent)):
            model = find_model(name)
            assert (model.name, parameter_count(model)) == ("My-Model", LLAMA_8B)
            assert not model.source.checked

    def test_quantization_beside_it_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_bytes((HERE / "samples" / "real" / "Llama-3.1-8B.json").read_bytes())
        (tmp_path / "hf_quant_config.json").write_text('{"quantization": {"quant_algo": "NVFP4"}}')
        assert find_model(str(tmp_path)).checkpoint.scheme == "nvfp4"

    def test_missing_file(self) -> None:
        with pytest.raises(UnknownModel, match="config"):
            find_model("/nowhere/at/all/config.json")


class TestHub:
    @pytest.fixture
    def answers(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
        pages: dict[str, bytes] = {}

        def opened(url: str, timeout: float) -> io.BytesIO:
            assert timeout == 5.0
            if url not in pages:
                raise urllib.error.URLError("no route to host")
            return io.BytesIO(pages[url])

        monkeypatch.setattr(urllib.request, "urlopen", opened)
        return pages

    def test_offline_says_what_to_do(self, answers: dict[str, bytes]) -> None:
        with pytest.raises(UnknownModel, match=r"no route to host.*download config\.json"):
            model_from_hub("Qwen/Qwen9-1B")

    def test_fetches_the_config(self, answers: dict[str, bytes]) -> None:
        page = "https://huggingface.co/a/b/resolve/main/config.json"
        answers[page] = (HERE / "samples" / "real" / "Llama-3.1-8B.json").read_bytes()
        assert parameter_count(model_from_hub("a/b")) == LLAMA_8B

    @pytest.mark.parametrize("name", ["a", "a/b/c", "../x", "a/b?c", "http://x/y", "a/b#", "a /b"])
    def test_odd_names_are_not_fetched(self, answers: dict[str, bytes], name: str) -> None:
        with pytest.raises(UnknownModel, match="no name of huggingface"):
            model_from_hub(name)

    def test_find_model_never_uses_the_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("find_model opened a connection")

        monkeypatch.setattr(socket, "socket", refuse)
        with pytest.raises(UnknownModel):
            find_model("somebody/Unheard-Of-9B")


class TestBadRows:
    GOOD = "- {name: a/b, source: s, parameters: 8030261248, config: "
    CONFIG = json.dumps(json.loads((HERE / "samples" / "real" / "Llama-3.1-8B.json").read_text()))

    def built(self, tmp_path: Path, text: str) -> list[Model]:
        file = tmp_path / "bad.yaml"
        file.write_text(text)
        return [model_of(row) for row in rows_of(file)]

    def test_good(self, tmp_path: Path) -> None:
        assert len(self.built(tmp_path, self.GOOD + self.CONFIG + "}")) == 1

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (GOOD.replace("name: a/b, ", "") + CONFIG + "}", "field name is missing"),
            (GOOD.replace("source: s, ", "") + CONFIG + "}", "field source is missing"),
            (GOOD.replace("8030261248", "8000000000") + CONFIG + "}", "its config counts 8030261248"),
            (GOOD + "{model_type: llama}}", "hidden_size"),
            (GOOD + CONFIG + ", checkpoint: {scheme: fp8, unquantized: [heads]}}", "unquantized holds"),
            ("just text", "not a list of rows"),
            ("- [1", "not a list of rows"),
        ],
    )
    def test_bad_row_is_refused_by_name(self, tmp_path: Path, text: str, told: str) -> None:
        with pytest.raises(BadRow, match=told) as error:
            self.built(tmp_path, text)
        assert "data/models/bad.yaml" in str(error.value)


@given(name=st.text(max_size=40))
def test_any_text_resolves_or_is_refused(name: str) -> None:
    with contextlib.suppress(UnknownModel, AmbiguousName):
        find_model(name)


def test_nothing_is_parsed_at_import_and_one_name_builds_one_model() -> None:
    code = (
        "import planner.catalogue_models as c\n"
        "built, build = [], c.model_of\n"
        "c.model_of = lambda row: built.append(row.name) or build(row)\n"
        "assert c._read.cache_info().currsize == 0\n"
        "c.find_model('meta-llama/Llama-3.3-70B-Instruct')\n"
        "assert len(built) == 1, built\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=DATA.parents[1], check=False
    )
    assert done.returncode == 0, done.stderr
