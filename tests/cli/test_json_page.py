"""docs/reference/json.md names every key of every JSON document, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from depthpaint.bench import command, contest
from depthpaint.bench.contest import Contest
from depthpaint.bench.throughput import ALL, StepsContest, Throughput
from depthpaint.cli import models, study, verify
from depthpaint.core.statistics import Timing, interval_of
from depthpaint.models.estimators.registry import ESTIMATORS
from depthpaint.models.hub_files import HubPart
from depthpaint.models.registered import RegisteredModel
from depthpaint.models.registry import registered_as
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.request import Settings
from reference_pages.documents import DOCUMENTS

Run = Callable[..., tuple[int, str, str]]
KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str,), "number": (int, float), "integer": (int,), "true or false": (bool,),
    "null": (type(None),),
}  # fmt: skip


def leaves(value: object, path: str, known: set[str]) -> Iterator[tuple[str, object]]:
    """The values of a document with their paths; a key is "*" where the page says so."""
    if isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            place = f"{path}.{name}" if path else name
            free = f"{path}.*"
            wild = any(key == free or key.startswith((f"{free}.", f"{free}[")) for key in known)
            named = any(key == place or key.startswith((f"{place}.", f"{place}[")) for key in known)
            yield from leaves(each, free if wild and not named else place, known)
    elif isinstance(value, list) and path not in known:
        for each in cast("list[object]", value):
            yield from leaves(each, f"{path}[]", known)
    else:
        yield path, value


@dataclass(frozen=True)
class Pages:
    """What the page says of one document, and what documents had."""

    command: str
    found: set[str]

    def compare(self, *documents: object) -> None:
        """Every key is on the page with its type, and every key of the page is in one of `documents`."""
        keys = DOCUMENTS[self.command].keys
        assert documents
        for document in documents:
            for path, value in leaves(document, "", set(keys)):
                assert path in keys, f"{path} is not in reference_pages"
                self.found.add(path)
                kind = keys[path][0]
                allowed = [each for name, types in KINDS.items() if name in kind for each in types]
                exact = bool if isinstance(value, bool) else type(value)
                assert not allowed or exact in allowed or isinstance(value, list), (path, value)
        objects = {path for path, (kind, _) in keys.items() if kind.split(" or ")[0] in CONTAINERS}
        missing = set(keys) - self.found - objects
        assert not missing, f"no document has {missing}"


CONTAINERS = {"object", "interval", "timing"}


def gives(value: object) -> Callable[..., object]:
    """A function that returns `value`, whatever it is called with."""

    def given(*_: object, **__: object) -> object:
        return value

    return given


def pages(command: str) -> Pages:
    return Pages(command, set())


def documents_of(cli: Run, *commands: tuple[object, ...], statuses: tuple[int, ...] = (0, 3, 4)) -> list[Any]:
    found: list[Any] = []
    for words in commands:
        status, out, err = cli(*words, "--json")
        assert status in statuses, err
        found.append(json.loads(out))
    return found


@pytest.fixture
def picture(cli: Run) -> str:
    assert cli("generate", "depth.npy", "a red house", "--verify", "--name", "one", "--sidecar")[0] == 0
    return "output_images/one.png"


def test_generate(cli: Run, picture: str) -> None:
    words = ("generate", "depth.npy", "a red house")
    found = documents_of(
        cli, (*words, "--verify", "--steps", 50), (*words, "--verify", "--steps", 50), (*words, "--dry-run")
    )
    inversions = json.loads(json.dumps(found[0]))
    inversions["plan"]["inversions"] = {"word": "0" * 64}  # which only Stable Diffusion has
    pages("generate").compare(*found, inversions)
    assert found[0]["plan"]["settings"].keys() == Settings.model_fields.keys()


def test_a_record(cli: Run, picture: str) -> None:
    assert picture
    (sidecar,) = Path("output_images").glob("one*.json")
    record = json.loads(sidecar.read_text(encoding="utf-8"))
    full = json.loads(json.dumps(record))
    full["digests"]["inversions"] = {"word": "0" * 64}
    full["depth"]["notes"] = full["warnings"] = ["a note"]
    assert cli("generate", "depth.npy", "a red house", "--name", "two.jpg", "--sidecar")[0] == 0
    jpeg = json.loads(Path("output_images/two.json").read_text(encoding="utf-8"))
    pages("record").compare(record, full, jpeg)


def test_verify(cli: Run, picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Judge:
        name = "clip"

        def scores(self, pixels: object, text: str | None) -> object:
            del pixels, text
            return type("Judged", (), {"text": 25.0, "quality": 0.5})()

    def judge_of(name: str | None) -> Judge | None:
        return Judge() if name else None

    monkeypatch.setattr(verify, "clip_judge", judge_of)
    cli("generate", "depth.npy", "a blue house")
    Path("output_images/bad.png").write_bytes(b"no picture")
    images = sorted(Path("output_images").glob("*.png"))
    found = documents_of(cli, ("verify", *images), ("verify", picture, "--clip", "folder", "--maps", "maps"))
    pages("verify").compare(*found)


def test_replay(cli: Run, picture: str) -> None:
    Path("bad.png").write_bytes(b"no picture")
    pages("replay").compare(*documents_of(cli, ("replay", picture, "bad.png")))


def test_inspect(cli: Run) -> None:
    ramp = np.linspace(1, 8, 200 * 260).reshape(200, 260)
    holes = ramp.copy()
    holes[80:90, 60:90] = np.nan
    np.save("metres.npy", holes)
    coarse = (ramp * 8).astype(np.uint8) * 3 + 40
    framed = np.zeros((260, 260), np.uint8)
    framed[30:230] = coarse
    Image.fromarray(framed).save("framed.png")
    Path("bad.png").write_bytes(b"no picture")
    pages("inspect").compare(*documents_of(
        cli,
        ("inspect", "metres.npy", "--kind", "distance", "--unit", "m", "--as", "out.npy"),
        ("inspect", "framed.png", "depth.npy", "bad.png", "--near", "white"),
    ))  # fmt: skip


def test_batch(cli: Run) -> None:
    Path("good.csv").write_text("depth,prompt\ndepth.npy,a house\n", encoding="utf-8")
    Path("bad.csv").write_text("depth,prompt\nmissing.npy,a house\n", encoding="utf-8")
    pages("batch").compare(*documents_of(
        cli,
        ("batch", "good.csv", "--verify", "--grid", "strength=0.5,1", "--out", "a"),
        ("batch", "bad.csv", "--out", "b"),
        ("batch", "good.csv", "--dry-run", "--out", "c"),
    ))  # fmt: skip


@pytest.fixture
def no_cache(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(work / "cache"))


@pytest.mark.usefixtures("no_cache")
def test_models(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pages("models list").compare(*documents_of(cli, ("models", "list")))
    pages("models verify").compare(*documents_of(cli, ("models", "verify", "diorama")))
    names = ["diorama", *ESTIMATORS, *PRESETS]
    shown = documents_of(cli, *(("models", "show", name) for name in names))
    pinned = json.loads(json.dumps(next(each for each in shown if each.get("lora") and each.get("also"))))
    for part in (pinned["base"], pinned["control"], pinned["lora"], *pinned["also"].values()):
        part["sha256"] = {"model.safetensors": "0" * 64}
    pages("models show").compare(*shown, pinned)

    def pulled(self: RegisteredModel, parts: list[HubPart], *, bars: bool = False) -> list[Path]:
        del self, bars
        return [Path(part.name) for part in parts]

    monkeypatch.setattr(RegisteredModel, "pull", pulled)
    monkeypatch.setattr(models, "remember", gives(None))
    assert registered_as("sd15") is not None
    pages("models pull").compare(*documents_of(cli, ("models", "pull", "sd15")))


def test_the_machine(cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = work / "config.toml"
    config.write_text('device = "cpu"\n', encoding="utf-8")
    monkeypatch.setenv("DEPTHPAINT_CONFIG", str(config))
    (doctor,) = documents_of(cli, ("doctor",))
    lacking = json.loads(json.dumps(doctor))
    lacking["missing_for_extras"]["ray"] = ["ray"]
    pages("doctor").compare(doctor, lacking)
    pages("config").compare(*documents_of(cli, ("config",)))


@pytest.mark.full
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("aspect", ["--ratios", "1:1", "--set", "finish=no"]),
        ("strength", []),
        ("latency", ["--repeats", 1, "--cold", 1, "--budget", 100]),
    ],
)
def test_studies(cli: Run, monkeypatch: pytest.MonkeyPatch, kind: str, options: list[object]) -> None:
    monkeypatch.setattr(study, "cold", gives({"start and save": interval_of([1.0, 2.0])}))
    words = ("study", kind, "depth.npy", "a house", "--seeds", 2, "--out", kind, "--set", "size=64x48")
    status, _, err = cli(*words[:-2], *(words[-2:] if kind != "aspect" else ()), *options)
    assert status == 0, err
    pages(f"study {kind}").compare(json.loads(Path(kind, "study.json").read_text(encoding="utf-8")))


def test_bench(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    timing = Timing.of([1.0, 2.0])
    both = {"depthpaint": timing, "diffusers": timing}
    steps = StepsContest({side: {ALL: timing} for side in both}, dict.fromkeys(both, 100))
    for name, value in {
        "measure": Contest(both, both, 40.0), "measure_throughput": Throughput(4, both, 40.0),
        "measure_steps": steps, "measure_inspection": {"pillow": timing, "depthpaint": timing},
    }.items():  # fmt: skip
        monkeypatch.setattr(command, name, gives(value))
    monkeypatch.setattr(contest, "require_peers", gives(None))
    monkeypatch.setattr("depthpaint.models.diorama.export.write_diffusers_folder", gives(Path("folder")))
    vs = ("bench", "--vs", "diffusers")
    pages("bench").compare(*documents_of(
        cli, vs, (*vs, "--rows", 4), (*vs, "--model", "m", "--control", "c"), ("bench", "--vs", "pillow")
    ))  # fmt: skip
