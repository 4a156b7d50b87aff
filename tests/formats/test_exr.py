"""OpenEXR files: channels, windows, parts, every compression; and a library that crashes elsewhere."""

from __future__ import annotations

import resource
import struct
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from decoding import refusal, samples
from made_exr import attribute, exr, exr_parts
from numpy.typing import NDArray

from depthpaint.core.errors import DepthError, ErrorCode
from depthpaint.core.installation import command_for
from depthpaint.formats import foreign
from depthpaint.formats.decode import decode
from depthpaint.formats.exr_lines import write_exr_depth
from made_depth import smooth

Z = (smooth(37, 29) * 20 + 1).astype(np.float32)
OpenEXR: Any = pytest.importorskip("OpenEXR")


def by_library(planes: dict[str, NDArray[Any]], compression: Any, **header: Any) -> bytes:
    """A file as the library itself writes it."""
    kind = header.pop("type", OpenEXR.scanlineimage)
    return written(OpenEXR.File({"compression": compression, "type": kind, **header}, planes))


def written(file: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file.write(f"{folder}/file.exr")
        return (Path(folder) / "file.exr").read_bytes()


@pytest.mark.parametrize("compression", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f2", "u4"])
def test_every_type_and_packing_that_needs_no_library(
    dtype: str, compression: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign.subprocess, "run", None)  # nothing may be started
    noise = np.random.default_rng(3).normal(5, 2, (37, 29))
    for numbers in (Z, noise, np.zeros_like(Z)):
        stored = (numbers * 1000 + 9000 if dtype == "u4" else numbers).astype(dtype)
        for shuffled in (False, True):
            read = samples(exr({"Z": stored}, compression=compression, shuffled=shuffled))
            assert np.array_equal(read.values, stored)
            assert read.values.dtype == stored.dtype
            assert (read.bits, read.quantity, read.metres, read.part) == (
                stored.dtype.itemsize * 8, None, None, "Z"
            )  # fmt: skip
            assert read.hint == "distance"
            assert read.notes == ()


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"])
def test_what_the_library_wrote(name: str) -> None:
    data = by_library({"Z": Z, "A": Z.astype(np.float16)}, getattr(OpenEXR, f"{name}_COMPRESSION"))
    read = samples(data)
    tolerance = 1e-3 if name == "PXR24" else 0
    assert np.allclose(read.values, Z, rtol=tolerance, atol=0)
    assert read.part == "Z"


def test_a_library_file_with_a_preview_and_names() -> None:
    data = by_library({"Z": Z}, OpenEXR.PIZ_COMPRESSION, comments="made by hand", owner="\u00e9")
    assert np.array_equal(samples(data).values, Z)


def tiled() -> bytes:
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize, tiles.mode = 16, 16, OpenEXR.ONE_LEVEL
    return by_library({"Z": Z}, OpenEXR.ZIP_COMPRESSION, type=OpenEXR.tiledimage, tiles=tiles)


PIZ = by_library({"Z": Z}, OpenEXR.PIZ_COMPRESSION)
TILED = tiled()


def test_tiles_are_read_by_the_library() -> None:
    assert np.array_equal(samples(TILED).values, Z)


def test_what_the_writer_writes_is_read_by_the_library_and_here() -> None:
    noise = np.random.default_rng(1).random((33, 40), dtype=np.float32)
    for values in (Z, noise, np.zeros((8, 8), np.float32)):
        values = values.copy()
        values[2, 3], values[3, 3], values[4, 4] = np.inf, np.nan, -1e-40
        data = write_exr_depth(values)
        read = OpenEXR.InputFile(BytesIO(data)).channel("Z")
        assert np.array_equal(np.frombuffer(read, "<f4").reshape(values.shape), values, equal_nan=True)
        assert np.array_equal(samples(data).values, values, equal_nan=True)


OTHER = Z * 2


# A name that renderers use for distance and estimators for disparity only hints at it.
@pytest.mark.parametrize(("names", "part", "chosen", "quantity"), [
    (["Z", "R", "G", "B", "A"], None, "Z", "distance?"),
    (["depth"], None, "depth", "distance?"),
    (["Depth", "Y"], None, "Depth", "distance?"),
    (["ViewLayer.Depth.Z", "ViewLayer.Combined.R"], None, "ViewLayer.Depth.Z", "distance?"),
    (["depth.V", "A"], None, "depth.V", "distance?"),
    (["View.Normal.X", "View.Normal.Y", "View.Normal.Z", "View.Depth.Z"], None, "View.Depth.Z", "distance?"),
    (["View.Mist.Z", "Y"], None, "View.Mist.Z", "distance"),
    (["View.Mist.Z", "View.Depth.Z"], None, "View.Depth.Z", "distance?"),
    (["Y", "A"], None, "Y", None),
    (["Z", "ZBack"], None, "Z", "distance?"),
    (["Z", "A"], "A", "A", None),
    (["left.disparity", "Z"], "left.disparity", "left.disparity", "disparity"),
    (["FinalImageMovieRenderQueue_WorldDepth.R", "R", "G", "B"], None,
     "FinalImageMovieRenderQueue_WorldDepth.R", "distance?"),
    (["VRayZDepth", "R", "G", "B"], None, "VRayZDepth", "distance?"),
    (["Image.SceneDepth.V", "Image.Combined.R"], None, "Image.SceneDepth.V", "distance?"),
    (["V"], None, "V", None),
    (["V", "A"], None, "V", None),
    (["R"], None, "R", None),
    (["A"], None, "A", None),
    (["anything at all"], None, "anything at all", None),
    (["predicted_disparity"], None, "predicted_disparity", "disparity"),
    (["View.Depth.Z", "View.Combined.R"], "View.Depth", "View.Depth.Z", "distance?"),
])  # fmt: skip
def test_the_right_channel_is_chosen(
    names: list[str], part: str | None, chosen: str, quantity: str | None
) -> None:
    read = samples(exr({name: Z if name == chosen else OTHER for name in names}), part)
    assert (read.part, read.quantity or (read.hint and f"{read.hint}?")) == (chosen, quantity)
    assert np.array_equal(read.values, Z)
    assert len(read.notes) == (len(names) > 1)


@pytest.mark.parametrize(("names", "part"), [
    (["U", "V"], None),
    (["H", "S", "V"], None),
    (["one", "other"], None),
    (["View.Normal.X", "View.Normal.Y", "View.Normal.Z"], None),
    (["a.Depth.Z", "b.Depth.Z"], None),
    (["R", "G", "B"], None),
    (["Z", "A"], "depth"),
])  # fmt: skip
def test_what_cannot_be_chosen_is_listed(names: list[str], part: str | None) -> None:
    error = refusal(exr({name: Z * (k + 1) for k, name in enumerate(names)}), part)
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE
    assert "--part" in error.remedy
    assert names[0] in str(error)


@pytest.mark.parametrize("layer", ["", "Depth.", "FinalImageMovieRenderQueue_WorldDepth.", "anything."])
@pytest.mark.parametrize("others", [1, 0])
def test_a_picture_of_equal_or_empty_colours_is_its_red(layer: str, others: int) -> None:
    planes = {f"{layer}R": Z, f"{layer}G": Z * others, f"{layer}B": Z * others}
    if "epth" in layer:
        planes |= {"R": OTHER, "G": Z, "B": Z}
    read = samples(exr(planes))
    assert np.array_equal(read.values, Z)
    assert read.part == f"{layer}RGB"


def test_colours_are_refused_with_the_channels() -> None:
    error = refusal(exr({"Depth.R": Z, "Depth.G": OTHER, "Depth.B": Z, "mask": Z}))
    assert "mask" in str(error) and "--part" in error.remedy
    assert refusal(exr({f"{layer}.{c}": Z for layer in ("a", "b") for c in "RGB"})).code is (
        ErrorCode.DEPTH_BAD_SHAPE
    )


def test_a_part_of_the_file_is_selected_by_its_index() -> None:
    data = exr_parts({"left": {"Z": Z}, "right": {"Z": OTHER}})
    assert np.array_equal(samples(data, frame=0).values, Z)
    assert np.array_equal(samples(data, frame=1).values, OTHER)
    error = refusal(data, frame=2)
    assert error.code is ErrorCode.DEPTH_BAD_SHAPE and "2 parts" in str(error)


def test_equal_colours_are_gray() -> None:
    read = samples(exr({"R": Z, "G": Z, "B": Z, "A": OTHER}))
    assert np.array_equal(read.values, Z)
    assert read.quantity is None


def test_of_a_thousand_channels_one_is_read() -> None:
    small = Z[:16, :16]
    data = exr({f"c{k:04}": small for k in range(1_023)} | {"Z": small * 2})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert np.array_equal(samples(data).values, small * 2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
    assert "and 1012 more" in refusal(data, "nothing").remedy


def test_windows_of_every_kind() -> None:
    for corner in ((0, 0), (-5, -7), (1_000_000, -1_000_000)):
        read = samples(exr({"Z": Z}, corner=corner))
        assert np.array_equal(read.values, Z)
    read = samples(exr({"Z": Z}, corner=(-4, 3), display=(0, 0, 39, 49)))
    assert read.values.shape == (50, 40)
    assert np.array_equal(read.values[3:40, :25], Z[:, 4:])
    assert np.isnan(read.values[:3]).all()
    assert np.isnan(read.values[:, 25:]).all()
    assert any("window" in note for note in read.notes)
    read = samples(exr({"Z": Z.astype(np.uint32)}, display=(2, 2, 19, 19)))  # inside: nothing becomes empty
    assert np.array_equal(read.values, Z.astype(np.uint32)[2:20, 2:20])
    assert (
        samples(exr({"Z": Z.astype(np.uint32)}, corner=(1, 0), display=(0, 0, 29, 36))).values.dtype
        == np.float64
    )
    assert refusal(exr({"Z": Z}, display=(100, 100, 140, 140))).code is ErrorCode.DEPTH_BAD_SHAPE


@pytest.mark.parametrize(("display", "code"), [
    ((0, 0, 2**31 - 1, 2**31 - 1), ErrorCode.DEPTH_TOO_LARGE),
    ((-(2**31), -(2**31), 2**31 - 1, 2**31 - 1), ErrorCode.DEPTH_TOO_LARGE),
    ((0, 0, 16_383, 16_383), ErrorCode.DEPTH_TOO_LARGE),
    ((0, 0, 3, 3), ErrorCode.DEPTH_BAD_SHAPE),
    ((5, 5, 0, 0), ErrorCode.DEPTH_UNREADABLE),
])  # fmt: skip
def test_windows_are_judged_by_the_header(display: Any, code: ErrorCode) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = exr({"Z": Z})
    box = struct.pack("<iiii", *display)
    for window in (b"dataWindow\0box2i\0\x10\0\0\0", b"displayWindow\0box2i\0\x10\0\0\0"):
        start = data.index(window) + len(window)
        assert refusal(data[:start] + box + data[start + 16 :]).code is code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_large_map_is_read_only_where_it_is_allowed() -> None:
    data = exr({"Z": Z})
    box = struct.pack("<iiii", 0, 0, 16_383, 16_383)
    for window in (b"dataWindow\0box2i\0\x10\0\0\0", b"displayWindow\0box2i\0\x10\0\0\0"):
        start = data.index(window) + len(window)
        data = data[:start] + box + data[start + 16 :]
    refused = refusal(data)
    assert refused.code is ErrorCode.DEPTH_TOO_LARGE
    assert f"--max-pixels {16_384**2}" in refused.remedy
    # Allowed, it goes on to its pixels, of which the file has far too few.
    with pytest.raises(DepthError) as allowed:
        decode("map.exr", data, max_pixels=16_384**2)
    assert allowed.value.code is not ErrorCode.DEPTH_TOO_LARGE


@pytest.mark.parametrize("compression", [3, 4])
def test_parts_are_chosen_like_channels(compression: int) -> None:
    if compression == 3:
        data = exr_parts({"beauty": {"R": Z, "G": Z, "B": OTHER}, "depth": {"Z": Z}})
    else:
        piz = {"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage}
        parts = [
            OpenEXR.Part(dict(piz), {"R": Z, "G": Z, "B": OTHER}, "beauty"),
            OpenEXR.Part(dict(piz), {"Z": Z}, "depth"),
        ]
        data = written(OpenEXR.File(parts))
    for part in (None, "depth", "Z", "depth.Z"):
        read = samples(data, part)
        assert np.array_equal(read.values, Z)
        assert read.part == "depth.Z"
    assert np.array_equal(samples(data, "beauty.B").values, OTHER)
    assert refusal(data, "beauty").code is ErrorCode.DEPTH_BAD_SHAPE
    both = exr_parts({"left": {"Z": Z}, "right": {"Z": OTHER}})
    assert "left.Z, right.Z" in str(refusal(both))
    assert np.array_equal(samples(both, "right").values, OTHER)


def test_deep_and_unknown_files_are_refused() -> None:
    data = exr({"Z": Z})
    assert "deep" in str(refusal(exr({"Z": Z}, flags=0x800)))
    assert "deep" in str(refusal(exr({"Z": Z}, more=attribute("type", "string", b"deepscanline"))))
    assert refusal(exr({"Z": Z}, more=attribute("type", "string", b"hologram"))).code is (
        ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    )
    place = data.index(b"compression\0compression\0") + 28
    assert refusal(data[:place] + b"\x63" + data[place + 1 :]).code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    assert refusal(data[:4] + b"\3" + data[5:]).code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    sampled = data.replace(struct.pack("<iIii", 2, 0, 1, 1), struct.pack("<iIii", 2, 0, 2, 2))
    assert refusal(sampled).code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT


WHOLE = exr({"Z": np.random.default_rng(5).random((40, 30), dtype=np.float32)})


@pytest.mark.parametrize("cut", np.linspace(4, len(WHOLE) - 1, 48).astype(int).tolist())
def test_a_cut_file_is_never_half_a_map(cut: int) -> None:
    assert refusal(WHOLE[:cut]).code is ErrorCode.DEPTH_TRUNCATED


def test_tables_that_lie() -> None:
    data = exr({"Z": Z})
    table = data.index(b"screenWindowWidth") + len("screenWindowWidth\0float\0") + 8 + 1
    for offset, codes in (
        (0, {ErrorCode.DEPTH_TRUNCATED}),
        (2**63, {ErrorCode.DEPTH_TRUNCATED}),
        (8, {ErrorCode.DEPTH_UNREADABLE, ErrorCode.DEPTH_TRUNCATED}),
    ):
        assert refusal(data[:table] + struct.pack("<Q", offset) + data[table + 8 :]).code in codes
    # Every chunk at the last and shortest one's place: the same rows again and again.
    last = data[table + 16 : table + 24]
    assert "out of order" in str(refusal(data[:table] + last * 3 + data[table + 24 :]))


def test_chunks_that_lie_over_one_another() -> None:
    data = exr({"Z": Z}, compression=0)
    table = data.index(b"screenWindowWidth") + len("screenWindowWidth\0float\0") + 8 + 1
    start = table + 8 * len(Z)
    places = struct.pack(f"<{len(Z)}Q", *(start + 8 * row for row in range(len(Z))))
    rows = b"".join(struct.pack("<ii", row, 2_000) for row in range(len(Z)))
    assert "overlap" in str(refusal(data[:table] + places + rows + bytes(2_000)))


def test_a_channel_list_that_would_fill_any_memory() -> None:
    wide = {f"c{k:04}": np.zeros((1, 8), np.float32) for k in range(4_000)}
    data = exr(wide | {"Z": np.zeros((1, 8), np.float32)})
    window = b"Window\0box2i\0\x10\0\0\0"
    parts = data.split(window)
    box = struct.pack("<iiii", 0, 0, 32_767, 15)
    data = window.join([parts[0], *(box + part[16:] for part in parts[1:])])
    assert refusal(data).code in (ErrorCode.DEPTH_TOO_LARGE, ErrorCode.DEPTH_TRUNCATED)


def with_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(program)
    monkeypatch.setattr(foreign, "_WORKER", worker)


@pytest.mark.parametrize("program", [
    "import os; os.kill(os.getpid(), 11)",
    "import os; os.abort()",
    "raise SystemExit(3)",
    "print('rubbish')",
    "print('[]')",
    "print('{\"lengths\": [9]}')",
    "print('{\"lengths\": \"x\"}')",
    "",
])  # fmt: skip
def test_a_crash_elsewhere_is_an_unreadable_file_here(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_worker(monkeypatch, tmp_path, program)
    error = refusal(PIZ)
    assert error.code is ErrorCode.DEPTH_UNREADABLE
    assert "OpenEXR crashed" in str(error)


def test_a_library_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_worker(monkeypatch, tmp_path, "import time; time.sleep(60)")
    monkeypatch.setattr(foreign, "SECONDS", 1)
    assert "more than 1 s" in str(refusal(PIZ))


def test_the_other_process_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(foreign.__file__).with_name("foreign_worker.py").read_text()
    greedy = source.replace("    file = library", "    hoard = bytearray(6 << 30)\n    file = library", 1)
    assert greedy != source
    with_worker(monkeypatch, tmp_path, greedy)
    assert "cannot read it" in str(refusal(PIZ))


def test_what_the_library_prints_is_not_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(foreign.__file__).with_name("foreign_worker.py").read_text()
    talking = source.replace("    file = library", '    os.write(1, b"hello")\n    file = library', 1)
    assert talking != source
    with_worker(monkeypatch, tmp_path, talking)
    assert np.array_equal(samples(PIZ).values, Z)


def test_without_the_library_the_remedy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "site-packages" not in entry])
    error = refusal(PIZ)
    assert error.code is ErrorCode.DEPTH_UNSUPPORTED_FORMAT
    assert error.remedy == f"install it with {command_for('exr')}"
    assert np.array_equal(samples(exr({"Z": Z})).values, Z)  # what most programs write needs no library


def test_pixels_that_the_library_refuses() -> None:
    place = len(PIZ) - 40
    spoiled = PIZ[:place] + bytes(b ^ 0xFF for b in PIZ[place : place + 20]) + PIZ[place + 20 :]
    try:
        assert samples(spoiled).values.shape == Z.shape  # PIZ has no checksum: other numbers, or none
    except DepthError as error:
        assert error.code is ErrorCode.DEPTH_UNREADABLE
