from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthpaint.core.errors import InternalError, ParameterError, printable
from depthpaint.core.geometry import Extent, Fit
from depthpaint.core.setting import MAX_PROMPT
from depthpaint.formats.samples import MAX_PIXELS
from depthpaint.plan import make_plan
from depthpaint.record.result import record_of
from depthpaint.record.run_record import LONGEST_RECORD, RecordError, RunRecord, pixels_sha256
from depthpaint.record.sections import MOST_REMARKS
from depthpaint.sampling.levels import NoiseLevel
from depthpaint.sampling.schedule import Schedule
from painted import HABITS, HOSTILE, from_depth, pixels_of, plan_of, result_of

VERSION_2 = Path(__file__).parent / "version-2.json"


def spoiled(record: RunRecord, *path: str, value: object) -> str:
    document = json.loads(record.to_json())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize("prompt", HOSTILE)
def test_any_prompt_comes_back(prompt: str) -> None:
    record = record_of(result_of(prompt=prompt, negative_prompt=prompt[::-1]), 0)
    text = record.to_json()
    assert text.isascii()
    assert text.isprintable()
    again = RunRecord.from_json(text)
    assert again == record
    assert again.settings.prompt == prompt
    assert again.to_json() == text


def test_zero_survives() -> None:
    result = result_of(seed=0, guidance_scale=0, control_strength=0, control_window=(0, 0))
    settings = RunRecord.from_json(record_of(result, 0).to_json()).settings
    assert (settings.seed, settings.guidance_scale, settings.control_strength) == (0, 0.0, 0.0)
    assert settings.control_window == (0.0, 0.0)
    request = record_of(result, 0).request(Path("d.png"))
    assert (request.seed, request.guidance_scale, request.control_strength) == (0, 0.0, 0.0)


def test_tells_what_ran_not_what_was_asked() -> None:
    """A loop that changes the plan after the request was made must show in the record."""
    asked = result_of(prompt="a red ball", seed=5)
    other = asked.plan.settings.model_copy(update={"prompt": "a blue cube", "guidance_scale": 7.5})
    ran = replace(asked, plan=replace(asked.plan, settings=other))
    settings = record_of(ran, 0).settings
    assert (settings.prompt, settings.guidance_scale) == ("a blue cube", 7.5)


def test_each_picture_has_its_own_seed_digest_and_time() -> None:
    result = result_of(seed=7, count=3)
    records = [record_of(result, k) for k in range(3)]
    assert [record.settings.seed for record in records] == [7, 8, 9]
    assert len({record.digests.picture for record in records}) == 3
    assert records[1].seconds == {"read": 0.01, "denoise": 0.0, "picture": 0.25}


def test_refuses_a_picture_of_another_size_than_planned() -> None:
    result = result_of()
    picture = replace(result.pictures[0], pixels=pixels_of(1, Extent(9, 8)))
    with pytest.raises(InternalError, match="9x8"):
        record_of(replace(result, pictures=(picture,)), 0)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"aspect": "5:3", "fit": "crop", "near": "black"},
        {"size": "depth", "sampler": "euler", "schedule": "karras"},
        {"size": "300x200", "guidance_window": "0.1:0.9", "negative_prompt": "dull", "fit": "stretch"},
        {"size": "9x900", "num_inference_steps": 1, "sampler": "euler-ancestral", "seed": 2**32 - 1},
    ],
)
def test_its_request_makes_the_same_plan(fields: dict[str, object]) -> None:
    plan = plan_of(**fields)
    request = RunRecord.from_json(record_of(result_of(**fields), 0).to_json()).request(Path("d.png"))
    assert make_plan(request, plan.sizes.depth_size, HABITS) == plan
    assert request.depth == Path("d.png")


def test_its_request_is_for_one_picture() -> None:
    request = record_of(result_of(seed=7, count=3), 2).request(Path("d.png"))
    assert (request.seeds, request.allow_constant) == ((9,), False)


def test_an_infinite_first_sigma_is_written_as_json_can() -> None:
    plan = result_of().plan
    noise = NoiseLevel(timestep=999, alpha=0.0, sigma=1.0)
    result = replace(result_of(), plan=replace(plan, schedule=Schedule((noise, *plan.schedule.levels[1:]))))
    text = record_of(result, 0).to_json()
    assert "Infinity" not in text
    assert RunRecord.from_json(text).plan.sigmas[0] == "inf"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("maps/room.png", "maps/room.png"),
        ("room.png", "room.png"),
        ("/home/alice/secret plans/room.png", "room.png"),
        ("../alice/room.png", "room.png"),
        (str(Path.cwd() / "maps" / "room.png"), "maps/room.png"),
    ],
)
def test_names_no_folders_of_a_person(path: str, told: str) -> None:
    assert record_of(from_depth(result_of(), path), 0).depth.file == told


@pytest.mark.parametrize(
    ("path", "folder", "told"),
    [
        ("data/maps/room.png", "data/pictures", "../maps/room.png"),
        ("data/pictures/room.png", "data/pictures", "room.png"),
        ("data/room.png", "data/pictures/tuesday", "../../room.png"),
        ("home/ann/maps/room.png", "home/ann/pictures", "../maps/room.png"),
        ("home/ann/maps/room.png", "home/bob/pictures", "room.png"),
        ("home/ann/maps/room.png", "data/pictures", "room.png"),
    ],
)
def test_names_the_depth_map_relative_to_the_picture(
    path: str, folder: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home" / "ann")
    record = record_of(from_depth(result_of(), str(tmp_path / path)), 0, tmp_path / folder)
    assert RunRecord.from_json(record.to_json()).depth.file == told


def test_other_places_than_homes_are_named(tmp_path: Path) -> None:
    record = record_of(from_depth(result_of(), "/data/maps/room.png"), 0, tmp_path)
    assert (tmp_path / record.depth.file).resolve() == Path("/data/maps/room.png").resolve()
    for home in ("/home/ann/maps/room.png", "/Users/ann/room.png", str(Path.home() / "plans/room.png")):
        assert record_of(from_depth(result_of(), home), 0, tmp_path).depth.file == "room.png"


BAD_PATHS = [
    "/etc/passwd",
    "C:\\x.png",
    "a/../../x",
    "\\\\host\\x",
    "",
    "..",
    "../..",
    "../" * 21 + "x",
    "..//x",
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_refuses_a_record_that_names_a_file_elsewhere(path: str) -> None:
    with pytest.raises(RecordError, match=r"depth\.file"):
        RunRecord.from_json(spoiled(record_of(result_of(), 0), "depth", "file", value=path))


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "{", "[" * 100_000, '{"schema_version": 1}', '{"schema_version": "1"}',
        '{"schema_version": NaN}', '"\\ud800"', "\ud800", " " * (LONGEST_RECORD + 1), "\x00",
        '{"schema_version": 1' + "0" * 5000 + "}",
    ],
)  # fmt: skip
def test_refuses_what_is_no_record(text: str) -> None:
    with pytest.raises(RecordError):
        RunRecord.from_json(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("extra",), 1),
        (("settings", "extra"), 1),
        (("settings", "seed"), 1.5),
        (("settings", "guidance_scale"), float("nan")),
        (("settings", "guidance_scale"), float("inf")),
        (("settings", "fit"), "bend"),
        (("settings", "prompt"), "\ud800"),
        (("plan", "sigmas"), [float("nan")]),
        (("plan", "sigmas"), ["infinite"]),
        (("seconds",), {"read": "fast"}),
        (("digests",), None),
        (("settings", "num_inference_steps"), 3),
        (("plan", "timesteps"), [999.0] * 5),
        (("plan", "sigmas"), ["inf", 0.0]),
        (("warnings",), ["x" * 100_000]),
        (("warnings",), ["x"] * 10_000),
        (("depth", "notes"), ["x" * 100_000]),
        (("depth", "findings", 0, "evidence"), "x" * 100_000),
        (("depth", "findings", 0, "confidence"), 1e300),
        (("environment",), {"cpu": "x" * 2000}),
        (("environment",), {"x" * 2000: "cpu"}),
        (("environment",), {str(k): "x" for k in range(200)}),
        (("seconds",), {"x" * 2000: 1.0}),
        (("evaluations",), {str(k): 1 for k in range(200)}),
        (("digests", "inversions"), {"word": "x" * 2000}),
    ],
)
def test_refuses_a_spoiled_record(path: tuple[str, ...], value: object) -> None:
    with pytest.raises(RecordError, match="damaged"):
        RunRecord.from_json(spoiled(record_of(result_of(), 0), *path, value=value))


def test_another_version_is_called_that() -> None:
    text = spoiled(record_of(result_of(), 0), "schema_version", value=1).replace('"warnings"', '"told"')
    with pytest.raises(RecordError, match="has version 1"):
        RunRecord.from_json(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", -1), ("num_inference_steps", 10**9), ("size", [10**6, 10**6]), ("model", "")],
)
def test_a_foreign_record_cannot_ask_for_what_no_request_may(field: str, value: object) -> None:
    text = spoiled(record_of(result_of(), 0), "settings", field, value=value)
    with pytest.raises((RecordError, ParameterError), match=field):
        RunRecord.from_json(text).request(Path("d.png"))


def test_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(record_of(result_of(), 0).settings, "seed", 1)  # noqa: B010


def test_digest_covers_shape_and_every_value() -> None:
    pixels = pixels_of(1, Extent(4, 6))
    assert pixels_sha256(pixels) == pixels_sha256(np.asfortranarray(pixels))
    assert pixels_sha256(pixels) != pixels_sha256(pixels.reshape(4, 6, 3))
    changed = pixels.copy()
    changed[-1, -1, -1] ^= 1
    assert pixels_sha256(pixels) != pixels_sha256(changed)


def test_fit_is_a_name() -> None:
    assert record_of(result_of(fit=Fit.CROP), 0).model_dump(mode="json")["settings"]["fit"] == "crop"


def test_what_has_moved_since_is_named_anew() -> None:
    fields = {
        "control": "nets/depth", "lora": ("a.safetensors:0.5", "b.safetensors"),
        "also": "canny=nets/c:0.4:0:0.5",
    }  # fmt: skip
    record = RunRecord.from_json(record_of(result_of(**fields), 0).to_json())
    plain = record.request(Path("d.png"), {"model": None, "vae": "elsewhere"})
    assert plain.also and plain.lora
    assert (plain.control, plain.vae, plain.also[0].strength) == ("nets/depth", None, 0.4)
    assert [lora.weight for lora in plain.lora] == [0.5, 1]
    moved = {"model": "there/model", "control": "there/depth", "lora": ["there/a", "there/b"]}
    again = record.request(Path("d.png"), moved)
    assert (again.model, again.control) == ("there/model", "there/depth")
    assert again.lora
    assert [(lora.file, lora.weight) for lora in again.lora] == [("there/a", 0.5), ("there/b", 1)]
    with pytest.raises(ParameterError, match=r"a\.safetensors"):
        record.request(Path("d.png"), {"lora": ["there/a"]})
    assert again.control_window == plain.control_window


@pytest.mark.parametrize("field", ["model", "control", "vae"])
def test_a_model_names_no_folder_of_a_person(field: str) -> None:
    told = record_of(result_of(**{field: "/home/ann/secret/model"}), 0)
    assert "secret" not in told.to_json()
    with pytest.raises(RecordError):
        RunRecord.from_json(told.to_json().replace('"model"', '"/home/ann/model"', 2))


def test_long_warnings_of_earlier_versions_are_read() -> None:
    """They repeated an unknown word whole, each of its letters perhaps as an escape."""
    warning = printable(f"diorama does not know the word '{chr(0x202E) * MAX_PROMPT}'")
    text = spoiled(record_of(result_of(), 0), "warnings", value=[warning])
    assert RunRecord.from_json(text).warnings == (warning,)


def test_endless_warnings_and_notes_are_cut_when_a_record_is_made() -> None:
    """A note may repeat the names of a file's parts; a picture that is painted has to be saved."""
    texts = ("x" * 1_000_000,) * 2000
    record = record_of(replace(result_of(), warnings=texts, depth=replace(result_of().depth, notes=texts)), 0)
    assert max(map(len, record.warnings + record.depth.notes)) < 3000
    assert len(record.warnings) == len(record.depth.notes) == MOST_REMARKS
    assert RunRecord.from_json(record.to_json()) == record


def test_a_record_of_the_last_release_is_read() -> None:
    """In version 2 how the file is read lay below the settings, and the painted prompt was "heard"."""
    old = json.loads(VERSION_2.read_text(encoding="utf-8"))
    record = RunRecord.from_json(json.dumps(old))
    assert record.schema_version == 3
    assert record.settings.seed == old["settings"]["seed"]
    assert (record.settings.near, record.settings.kind) == ("white", "disparity")
    assert record.settings.range == tuple(old["settings"]["reading"]["range"])
    assert record.plan.expanded_prompt == old["plan"]["heard"] != None  # noqa: E711
    assert record.settings.holes == "inpaint"
    assert record.request(Path("d.png")).reading.max_pixels == MAX_PIXELS
    assert RunRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    "spoiled", [{"settings": {}}, {"settings": {"reading": 3}}, {"plan": None}, {"settings": None}]
)
def test_a_spoiled_record_of_the_last_release_is_damaged(spoiled: dict[str, object]) -> None:
    old = json.loads(VERSION_2.read_text(encoding="utf-8"))
    with pytest.raises(RecordError, match="damaged"):
        RunRecord.from_json(json.dumps({**old, **spoiled}))
