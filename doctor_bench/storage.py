"""Depth in metres and in pixels of disparity, as cameras and simulators store it, with the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from doctor_bench.files import Box, Container
from doctor_bench.geometry import Floats
from doctor_bench.scenes import Place, Scene
from doctor_bench.sensors import (
    Mask,
    Measured,
    active_camera,
    estimated,
    passive_stereo,
    perfect,
    scanned,
    time_of_flight,
)
from doctor_bench.things import Rng

Meaning = Literal["unknown", "either"]


@dataclass(frozen=True)
class Stored:
    """The numbers of a file and what is true of them.

    `near_is` is the end of the numbers that is near ("" for colours without an order of their own);
    `quantity` "" and `metres` None where they cannot be known; `empty` (H, W) is where the file holds no
    depth, written as `mark`: "unknown", or "either" unknown or farthest. `box` is the map within its picture,
    None for all of it; `empty` has the size of the map.
    """

    numbers: NDArray[Any]
    containers: tuple[Container, ...]
    near_is: Literal["small", "large", ""]
    empty: Mask
    quantity: Literal["distance", "disparity", ""] = ""
    metres: float | None = None
    mark: str = "none"
    means: Meaning = "either"
    box: Box | None = None


Maker = Callable[[Scene, Place, Rng], Stored]
_RASTER: tuple[Container, ...] = ("png", "png", "png", "tiff", "npy")
_FLOATS: tuple[Container, ...] = ("npy", "npy", "npz", "tiff", "exr", "pfm")


def camera(scene: Scene, place: Place, rng: Rng, far: float) -> Measured:
    """A depth camera of the kind that is used there, which sees as far as `far` metres (not outside)."""
    if place == "outside":
        return passive_stereo(scene, rng, float(rng.uniform(20, 40)))
    return time_of_flight(scene, rng, far) if rng.random() < 0.3 else active_camera(scene, rng, far)


def _steps(measured: Measured, per_metre: float, mark: int = 0) -> NDArray[np.uint16]:
    steps = np.rint(measured.distance * per_metre).clip(1, 65534)
    return np.where(measured.lost | measured.beyond, mark, steps).astype(np.uint16)


def _in_steps(measured: Measured, per_metre: float, containers: tuple[Container, ...] = _RASTER) -> Stored:
    empty = measured.lost | measured.beyond
    return Stored(
        _steps(measured, per_metre), containers, "small", empty, "distance", 1 / per_metre,
        "0" if empty.any() else "none", "unknown" if measured.lost.any() else "either",
    )  # fmt: skip


def millimetres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Integer millimetres of a camera, or of a simulator."""
    if rng.random() < 0.75:
        return _in_steps(camera(scene, place, rng, float(rng.choice((3, 4, 6, 10)))), 1000)
    exact = perfect(scene)
    far = min(60.0, float(exact.distance.max()))
    return _in_steps(replace(exact, beyond=exact.beyond | (exact.distance > far)), 1000)


def fifth_millimetres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """5000 steps a metre, as TUM writes them."""
    return _in_steps(camera(scene, place, rng, float(rng.choice((4, 6, 10)))), 5000)


def tenth_millimetres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """10,000 steps a metre, as close-range cameras use."""
    return _in_steps(camera(scene, place, rng, 6.5), 10_000)


def quarter_millimetres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """4000 steps a metre, of a time-of-flight camera."""
    del place
    return _in_steps(time_of_flight(scene, rng, 9.0), 4000)


def lidar(scene: Scene, place: Place, rng: Rng) -> Stored:
    """256 steps a metre, on scan lines."""
    del place
    return _in_steps(scanned(scene, rng, 85, dense=rng.random() < 0.5), 256, ("png",))


def driving(scene: Scene, place: Place, rng: Rng) -> Stored:
    """256 steps a metre, everywhere but in the sky."""
    del place, rng
    exact = perfect(scene)
    return _in_steps(replace(exact, beyond=exact.beyond | (exact.distance > 200)), 256, ("png",))


def centimetres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Centimetres of a simulator, 65535 for the sky."""
    del place, rng
    exact = perfect(scene)
    beyond = exact.beyond | (exact.distance > 655)
    exact = replace(exact, beyond=beyond)
    mark = "65535" if beyond.any() else "none"
    return Stored(_steps(exact, 100, 65535), ("png",), "small", beyond, "distance", 0.01, mark)


def kinect_raw(scene: Scene, place: Place, rng: Rng) -> Stored:
    """11 bits that grow with the distance as -1/z does; 2047 for nothing."""
    del place
    seen = active_camera(scene, rng, 5.0)
    raw = np.rint((3.3309 - 1 / np.maximum(seen.distance, 0.35)) / 0.0030711).clip(0, 1090)
    lost = seen.lost | (seen.distance < 0.4)
    return Stored(
        np.where(lost, 2047, raw).astype(np.uint16),
        ("png", "npy"),
        "small",
        lost,
        mark="2047",
        means="unknown",
    )


_BACKGROUNDS: dict[str, float] = {
    "inf": np.inf, "1e10": 1e10, "0": 0.0, "-1": -1.0, "nan": np.nan,
    "FLT_MAX": float(np.finfo(np.float32).max), "65504": 65504.0,
}  # fmt: skip


def metres(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Metres with the marks of cameras and renderers."""
    if place != "alone" and rng.random() < 0.4:
        seen, mark = camera(scene, place, rng, 10.0), str(rng.choice(("nan", "nan", "0", "0", "inf")))
        means: Meaning = "either" if mark == "inf" else "unknown"
    else:
        seen = perfect(scene)
        mark = str(rng.choice(tuple(_BACKGROUNDS), p=(0.28, 0.2, 0.2, 0.1, 0.08, 0.07, 0.07)))
        means = "unknown" if mark == "nan" else "either"
    empty = seen.lost | seen.beyond
    numbers = np.where(empty, _BACKGROUNDS[mark], seen.distance).astype(np.float32)
    return Stored(numbers, _FLOATS, "small", empty, "distance", 1.0, mark if empty.any() else "none", means)


def metric_estimate(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Metres of a network: soft, without marks."""
    near, far = (0.3, 10) if place != "outside" else (2, float(rng.choice((80, 200, 10_000))))
    exact = perfect(scene)
    near = max(near, 0.8 * float(exact.distance[~exact.beyond].min()))
    far = max(far, 5 * near)
    disparity = estimated(scene, rng) ** rng.uniform(1, 1.2)
    numbers = 1 / (disparity * (1 / near - 1 / far) + 1 / far)
    return Stored(
        numbers.astype(np.float32),
        ("npy", "npz", "tiff"),
        "small",
        np.zeros(numbers.shape, dtype=np.bool_),
        "distance",
        1.0,
    )


def share_of_range(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Shares of the sensor's range, as robot simulators give them."""
    seen = active_camera(scene, rng, 10.0) if rng.random() < 0.5 else perfect(scene)
    far = 10.0 if place != "outside" else 100.0
    empty = seen.lost | seen.beyond
    numbers = np.where(empty, 0, np.minimum(seen.distance / far, 1)).astype(np.float32)
    mark: str = "0" if empty.any() else "none"
    return Stored(numbers, ("npy", "tiff"), "small", empty, "distance", None, mark)


def z_buffer(scene: Scene, place: Place, rng: Rng) -> Stored:
    """What a graphics card stores: near 0 to far 1, as a - b/z."""
    exact = perfect(scene)
    near, far = (
        0.01 * float(rng.choice((1, 2, 10))),
        float(rng.choice((10, 100) if place != "outside" else (1000, 3000))),
    )
    beyond = exact.beyond | (exact.distance >= far)
    numbers = np.where(beyond, 1.0, (far - near * far / np.maximum(exact.distance, near)) / (far - near))
    return Stored(
        numbers.astype(np.float32), ("npy", "tiff"), "small", beyond, mark="1" if beyond.any() else "none"
    )


def _pixels(scene: Scene, place: Place, rng: Rng) -> tuple[Floats, Mask]:
    """Disparity in pixels and where none was found."""
    seen = passive_stereo(scene, rng, 1e9 if place == "outside" else 30.0)
    closest = float(seen.distance[~(seen.lost | seen.beyond)].min()) if not seen.lost.all() else 1.0
    return float(rng.uniform(30, 160)) * closest / seen.distance, seen.lost


def disparity(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Disparity in pixels, with a mark where matching failed."""
    pixels, lost = _pixels(scene, place, rng)
    mark, value = (("inf", np.inf), ("nan", np.nan), ("0", 0.0), ("-1", -1.0))[rng.integers(4)]
    numbers = np.where(lost, value, pixels).astype(np.float32)
    containers: tuple[Container, ...] = ("pfm",) if mark == "inf" else ("npy", "npz", "tiff", "pfm")
    return Stored(
        numbers, containers, "large", lost, "disparity", None, mark, "either" if mark == "0" else "unknown"
    )


def sgbm(scene: Scene, place: Place, rng: Rng) -> Stored:
    """Sixteenths of a pixel, -16 where matching failed, as OpenCV writes them."""
    pixels, lost = _pixels(scene, place, rng)
    numbers = np.where(lost, -16, np.rint(pixels * 16)).astype(np.int16)
    return Stored(numbers, ("npy",), "large", lost, "disparity", None, "-16", "unknown")


def disparity_steps(scene: Scene, place: Place, rng: Rng) -> Stored:
    """256 steps a pixel, 0 where matching failed, as KITTI has them."""
    pixels, lost = _pixels(scene, place, rng)
    numbers = np.where(lost, 0, np.rint(pixels * 256).clip(1, 65535)).astype(np.uint16)
    return Stored(numbers, ("png",), "large", lost, "disparity", None, "0")
