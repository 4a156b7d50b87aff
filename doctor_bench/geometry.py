"""A camera, solids, and the distance along the camera's axis to the first one that each ray meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Point = tuple[float, float, float]
Size = tuple[int, int]
NEAREST = 1e-3
"""Metres; what is nearer is behind the lens."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: y is up, and without rotation it looks along +z.

    `field` is its horizontal field of view; `yaw` turns it to the right, `pitch` down, and `roll` turns the
    camera clockwise, all in degrees.
    """

    width: int
    height: int
    field: float
    position: Point = (0.0, 0.0, 0.0)
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0

    @property
    def focal(self) -> float:
        """In pixels."""
        return 0.5 * self.width / float(np.tan(np.radians(self.field) / 2))

    @cached_property
    def axes(self) -> Floats:
        """The directions of right, up and forward in the world, as the rows of (3, 3)."""
        pitch, yaw, roll = np.radians((self.pitch, self.yaw, self.roll))
        forward = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        level = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        above = np.cross(forward, level)
        right = np.cos(roll) * level - np.sin(roll) * above
        up = np.sin(roll) * level + np.cos(roll) * above
        return np.stack((right, up, forward))

    def place(self, right: float, up: float, forward: float) -> Point:
        """A point of the world, from metres in the camera's own axes."""
        x, y, z = np.asarray(self.position) + np.array((right, up, forward)) @ self.axes
        return float(x), float(y), float(z)

    def rays(self) -> Rays:
        """One ray through the middle of each pixel."""
        x, y = np.meshgrid(
            (np.arange(self.width) + 0.5 - self.width / 2) / self.focal,
            (self.height / 2 - np.arange(self.height) - 0.5) / self.focal,
        )
        local = np.stack((x.ravel(), y.ravel(), np.ones(x.size)))
        return Rays(np.asarray(self.position, float), np.ascontiguousarray(self.axes.T @ local))

    def window(self, ball: tuple[Floats, float] | None) -> tuple[slice, slice]:
        """The rows and columns in which a ball can be visible, of its centre and radius; all for None."""
        if ball is None:
            return slice(0, self.height), slice(0, self.width)
        right, up, forward = self.axes @ (ball[0] - np.asarray(self.position))
        radius = ball[1]
        if forward + radius < NEAREST:
            return slice(0, 0), slice(0, 0)
        if forward - radius < 0.05 * radius:
            return slice(0, self.height), slice(0, self.width)
        ends = np.array([forward - radius, forward + radius])
        columns = self.focal * np.array([((right - radius) / ends).min(), ((right + radius) / ends).max()])
        rows = self.focal * np.array([((-up - radius) / ends).min(), ((-up + radius) / ends).max()])
        left, past = (columns + self.width / 2 + (-1, 2)).clip(0, self.width).astype(int)
        top, below = (rows + self.height / 2 + (-1, 2)).clip(0, self.height).astype(int)
        return slice(top, below), slice(left, past)


@dataclass(frozen=True)
class Rays:
    """`origin` (3,), and `directions` (3, N) with 1 along the camera's axis."""

    origin: Floats
    directions: Floats

    @cached_property
    def squares(self) -> Floats:
        """The squared lengths of the directions, (N,)."""
        return np.asarray((self.directions**2).sum(axis=0))


class Solid(Protocol):
    """What rays can meet; `ball` is the centre and radius of a ball that holds it, None if it is endless."""

    @property
    def ball(self) -> tuple[Floats, float] | None:
        """See Solid."""
        ...

    def hit(self, rays: Rays) -> Floats:
        """How far along each ray it is met first, (N,); infinity if it is not."""
        ...


def render(camera: Camera, solids: Sequence[Solid]) -> Floats:
    """The distance along the camera's axis, (H, W), infinity where there is nothing."""
    rays = camera.rays()
    directions = rays.directions.reshape(3, camera.height, camera.width)
    nearest = np.full(directions.shape[1:], np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for solid in solids:
            rows, columns = camera.window(solid.ball)
            part = nearest[rows, columns]
            if part.size:
                some = Rays(rays.origin, directions[:, rows, columns].reshape(3, -1))
                np.minimum(part, solid.hit(some).reshape(part.shape), out=part)
    return nearest


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """The rotation (3, 3) of a solid about y, then x, then z, in degrees."""
    a, b, c = np.radians((yaw, pitch, roll))
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


UPRIGHT = np.eye(3)


@dataclass(frozen=True)
class Plane:
    """An endless plane through `point`, perpendicular to `normal`."""

    point: Point
    normal: Point
    ball = None

    def hit(self, rays: Rays) -> Floats:
        """See Solid."""
        normal = np.asarray(self.normal)
        t = (normal @ (np.asarray(self.point) - rays.origin)) / (normal @ rays.directions)
        return np.where((t > NEAREST) & np.isfinite(t), t, np.inf)


@dataclass(frozen=True)
class Ellipsoid:
    """With half axes `radii`, turned by `rotation` (3, 3)."""

    centre: Point
    radii: Point
    rotation: Floats | None = None

    @property
    def ball(self) -> tuple[Floats, float]:
        """See Solid."""
        return np.asarray(self.centre), max(self.radii)

    def hit(self, rays: Rays) -> Floats:
        """See Solid."""
        into = (UPRIGHT if self.rotation is None else self.rotation.T) / np.asarray(self.radii)[:, None]
        directions = into @ rays.directions
        start = into @ (rays.origin - np.asarray(self.centre))
        return _entry((directions**2).sum(axis=0), start @ directions, float(start @ start) - 1)


def sphere(centre: Point, radius: float) -> Ellipsoid:
    """A sphere."""
    return Ellipsoid(centre, (radius, radius, radius))


def _entry(square: Floats, along: Floats, rest: float | Floats) -> Floats:
    """The first root of square t^2 + 2 along t + rest."""
    inner = along**2 - square * rest
    t = (-along - np.sqrt(np.maximum(inner, 0))) / square
    return np.where((inner > 0) & (t > NEAREST), t, np.inf)


@dataclass(frozen=True)
class Box:
    """With half sides `half`, turned by `rotation` (3, 3)."""

    centre: Point
    half: Point
    rotation: Floats | None = None

    @property
    def ball(self) -> tuple[Floats, float]:
        """See Solid."""
        return np.asarray(self.centre), float(np.linalg.norm(self.half))

    def hit(self, rays: Rays) -> Floats:
        """See Solid."""
        into = UPRIGHT if self.rotation is None else self.rotation.T
        directions = into @ rays.directions if self.rotation is not None else rays.directions
        start = into @ (rays.origin - np.asarray(self.centre))
        enters, leaves = np.full(directions.shape[1], -np.inf), np.full(directions.shape[1], np.inf)
        for axis in range(3):
            inverse = 1 / directions[axis]
            one = (-self.half[axis] - start[axis]) * inverse
            other = (self.half[axis] - start[axis]) * inverse
            np.fmax(enters, np.fmin(one, other), out=enters)
            np.fmin(leaves, np.fmax(one, other), out=leaves)
        return np.where((leaves >= enters) & (enters > NEAREST), enters, np.inf)


@dataclass(frozen=True)
class Cylinder:
    """From the point `start` to `end`; its ends are flat, or `round` (a capsule)."""

    start: Point
    end: Point
    radius: float
    round: bool = False

    @property
    def ball(self) -> tuple[Floats, float]:
        """See Solid."""
        start, end = np.asarray(self.start), np.asarray(self.end)
        return (start + end) / 2, float(np.linalg.norm(end - start)) / 2 + self.radius

    def hit(self, rays: Rays) -> Floats:
        """See Solid."""
        axis = np.asarray(self.end) - np.asarray(self.start)
        length = float(np.linalg.norm(axis))
        axis = axis / length
        away = rays.origin - np.asarray(self.start)
        along, at = axis @ rays.directions, float(axis @ away)
        towards = away @ rays.directions
        side = _entry(
            rays.squares - along**2, towards - along * at, float(away @ away) - at**2 - self.radius**2
        )
        place = at + np.where(np.isfinite(side), side, 0) * along
        nearest = np.where((place >= 0) & (place <= length), side, np.inf)
        if self.round:
            ends = (sphere(end, self.radius).hit(rays) for end in (self.start, self.end))
            return np.minimum.reduce([nearest, *ends])
        for height in (0.0, length):
            t = (height - at) / along
            beside = float(away @ away) + 2 * t * towards + t**2 * rays.squares - height**2
            np.minimum(nearest, np.where((t > NEAREST) & (beside <= self.radius**2), t, np.inf), out=nearest)
        return nearest


_HALVINGS = 5


@dataclass(frozen=True)
class Relief:
    """Ground of `heights` (n, n) in metres over a square of `side` metres about the origin, and flat beyond.

    Rays are followed from `first` to `last` metres, where they are between the lowest and the highest ground,
    in `steps`.
    """

    heights: Floats
    side: float
    first: float
    last: float
    steps: int = 28
    ball = None

    def at(self, x: Floats, z: Floats) -> Floats:
        """The height at points, interpolated."""
        most = len(self.heights) - 1.001
        column = ((x / self.side + 0.5) * most).clip(0, most)
        row = ((z / self.side + 0.5) * most).clip(0, most)
        j, i = column.astype(np.intp), row.astype(np.intp)
        right, down = column - j, row - i
        upper = self.heights[i, j] * (1 - right) + self.heights[i, j + 1] * right
        lower = self.heights[i + 1, j] * (1 - right) + self.heights[i + 1, j + 1] * right
        return upper * (1 - down) + lower * down

    def under(self, x: float, z: float) -> float:
        """The height at a point."""
        return float(self.at(np.array([x]), np.array([z]))[0])

    def hit(self, rays: Rays) -> Floats:
        """See Solid."""
        found = np.full(rays.directions.shape[1], np.inf)
        enters, leaves = self._between_heights(rays)
        active = np.flatnonzero(leaves > enters)
        before = enters
        for step in range(1, self.steps + 1):
            t = enters * (leaves / enters) ** (step / self.steps)
            under = self._is_under(rays, active, t[active])
            met, active = active[under], active[~under]
            found[met] = self._bisected(rays, met, before[met], t[met])
            before = t
        return found

    def _between_heights(self, rays: Rays) -> tuple[Floats, Floats]:
        lowest, highest = self.heights.min() - 1e-3, self.heights.max() + 1e-3
        down = rays.directions[1]
        ends = (lowest - rays.origin[1]) / down, (highest - rays.origin[1]) / down
        enters, leaves = np.fmin(*ends), np.fmax(*ends)
        return enters.clip(self.first, self.last), leaves.clip(self.first, self.last)

    def _is_under(self, rays: Rays, which: NDArray[np.intp], t: Floats) -> NDArray[np.bool_]:
        x, y, z = rays.origin[:, None] + t * rays.directions[:, which]
        return y < self.at(x, z)

    def _bisected(self, rays: Rays, which: NDArray[np.intp], lower: Floats, upper: Floats) -> Floats:
        for _ in range(_HALVINGS):
            middle = (lower + upper) / 2
            under = self._is_under(rays, which, middle)
            lower, upper = np.where(under, lower, middle), np.where(under, middle, upper)
        return (lower + upper) / 2


def rolling(rng: np.random.Generator, points: int, coarsest: int, octaves: int, rough: float = 0.5) -> Floats:
    """Smooth noise (points, points), about -1 to 1: octaves from `coarsest` cells, each `rough` as high."""
    total = np.zeros((points, points))
    for octave in range(octaves):
        cells = rng.uniform(-1, 1, (coarsest * 2**octave + 1,) * 2).astype(np.float32)
        total += rough**octave * np.asarray(
            Image.fromarray(cells).resize((points, points), Image.Resampling.BICUBIC)
        )
    return total
