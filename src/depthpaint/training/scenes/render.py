"""Draw scenes: picture, exact disparity and masks, by casting one or more rays a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from depthpaint.training.scenes.palette import COLOURS, GROUNDS, LIGHTS, RGB
from depthpaint.training.scenes.scene import Scene
from depthpaint.training.scenes.shapes import INTERSECTIONS, Solid, Vector

BACKDROP, FLOOR, FIRST_THING = 0, 1, 2
Column = Callable[[Sequence[float]], Tensor]
"""Turns one number a scene into a (B, 1) tensor."""

SAMPLES = ((-0.25, -0.25), (0.25, 0.25))


@dataclass(frozen=True, slots=True)
class Render:
    """What came out, for B scenes of H x W pixels.

    `picture` float32 (B, H, W, 3) in [0, 1]; `disparity` float32 (B, H, W), 1 over metres along the view
    axis, 0 for the sky; `surfaces` uint8 (B, H, W): 0 wall or sky, 1 floor, 2 and up the things in the
    scene's order.
    """

    picture: Tensor
    disparity: Tensor
    surfaces: Tensor


@torch.no_grad()
def render(scenes: Sequence[Scene], width: int, height: int, device: str = "cpu") -> Render:
    """Draw scenes that share their shapes.

    Their light and whether there is a wall (see `random_structure`).
    """
    picture = disparity = None
    surfaces = torch.empty(0)
    for dx, dy in SAMPLES:
        colour, inverse, surfaces = _cast(scenes, width, height, (dx, dy), device)
        picture = colour if picture is None else picture + colour
        disparity = inverse if disparity is None else torch.maximum(disparity, inverse)
    if picture is None or disparity is None:
        raise RuntimeError("at least one sample a pixel is needed")
    shape = (len(scenes), height, width)
    return Render((picture / len(SAMPLES)).view(*shape, 3), disparity.view(shape), surfaces.view(shape))


def _cast(
    scenes: Sequence[Scene], width: int, height: int, offset: tuple[float, float], device: str
) -> tuple[Tensor, Tensor, Tensor]:
    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

    tangent = column([s.camera.tangent for s in scenes])
    pitch = column([s.camera.pitch for s in scenes])
    v, u = torch.meshgrid(
        1 - 2 * (torch.arange(height, device=device) + 0.5 + offset[1]) / height,
        2 * (torch.arange(width, device=device) + 0.5 + offset[0]) / width - 1,
        indexing="ij",
    )
    right, up = u.reshape(1, -1) * tangent * (width / height), v.reshape(1, -1) * tangent  # (B, P)
    direction = (right, up * pitch.cos() - pitch.sin(), up * pitch.sin() + pitch.cos())
    eye = column([s.camera.height for s in scenes])
    origin = (torch.zeros_like(eye), eye, torch.zeros_like(eye))

    infinity = torch.full_like(right, torch.inf)
    t = torch.where(direction[1] < -1e-6, -eye / direction[1].clamp_max(-1e-6), infinity)
    t = torch.where(t > 80.0, infinity, t)
    surface = torch.where(torch.isinf(t), BACKDROP, FLOOR)
    zero, one = torch.zeros_like(right), torch.ones_like(right)
    normal: Vector = (zero, one, zero)
    if scenes[0].indoors:
        wall = column([s.wall_distance for s in scenes]) / direction[2].clamp_min(1e-6)
        behind = wall < t
        t, surface = torch.where(behind, wall, t), torch.where(behind, BACKDROP, surface)
        normal = (zero, torch.where(behind, zero, one), torch.where(behind, -one, zero))
    solids = _solids(scenes, column)
    for index, (shape, solid) in enumerate(solids):
        hit, away = INTERSECTIONS[shape](origin, direction, solid)
        closer = hit < t
        t, surface = torch.where(closer, hit, t), torch.where(closer, FIRST_THING + index, surface)
        normal = tuple(torch.where(closer, a, n) for a, n in zip(away, normal, strict=True))  # type: ignore[assignment]
    sky = torch.isinf(t)
    reach = torch.where(sky, torch.zeros_like(t), t)
    point = tuple(o + reach * d for o, d in zip(origin, direction, strict=True))
    colour = _shade(scenes, point, normal, direction, surface, solids, column)  # type: ignore[arg-type]
    if not scenes[0].indoors:
        colour = torch.where(sky[..., None], _sky(scenes[0].light, direction), colour)
    return colour.clamp(0, 1), torch.where(sky, torch.zeros_like(t), 1 / t), surface.to(torch.uint8)


def _solids(scenes: Sequence[Scene], column: Column) -> list[tuple[str, Solid]]:
    found: list[tuple[str, Solid]] = []
    for index, thing in enumerate(scenes[0].things):
        things = [s.things[index] for s in scenes]
        found.append((thing.shape, Solid(
            x=column([o.x for o in things]), z=column([o.z for o in things]),
            radius=column([o.radius for o in things]), height=column([o.height for o in things]),
            depth=column([o.depth for o in things]), turn=column([o.turn for o in things]),
        )))  # fmt: skip
    return found


def _shade(
    scenes: Sequence[Scene], point: Vector, normal: Vector, direction: Vector, surface: Tensor,
    solids: list[tuple[str, Solid]], column: Column,
) -> Tensor:  # fmt: skip
    """Lambert sun with a cast shadow, ambient light, contact shadow on the floor.

    Blinn highlight where shiny.
    """
    light = LIGHTS[scenes[0].light]
    azimuth = column([s.sun_azimuth for s in scenes])
    elevation = column([s.sun_elevation for s in scenes])
    # The sun stands behind the camera's back half, so that faces that are seen are lit.
    sun = (azimuth.sin() * elevation.cos(), elevation.sin(), -azimuth.cos() * elevation.cos())
    lifted: Vector = tuple(p + 1e-2 * n for p, n in zip(point, normal, strict=True))  # type: ignore[assignment]
    lit = (normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]).clamp_min(0)
    contact = torch.ones_like(lit)
    for shape, solid in solids:
        if max(light.sun) > 0:
            lit = lit * torch.isinf(INTERSECTIONS[shape](lifted, sun, solid)[0])
        gap = ((point[0] - solid.x) ** 2 + (point[2] - solid.z) ** 2).sqrt() / solid.radius
        contact = contact * (1 - 0.55 * (-3.0 * (gap - 0.6).clamp_min(0)).exp())
    contact = torch.where(surface == FLOOR, contact, torch.ones_like(contact))
    # A face that looks up sees the whole sky, one that looks down half of it.
    ambient = contact * (0.85 + 0.15 * normal[1])
    albedo = _albedo(scenes, point, surface)
    shaded = albedo * (_rgb(light.ambient, lit) * ambient[..., None] + _rgb(light.sun, lit) * lit[..., None])
    half = [s - d for s, d in zip(sun, direction, strict=True)]
    length = (half[0] ** 2 + half[1] ** 2 + half[2] ** 2).sqrt()
    glint = ((normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2]) / length).clamp(0, 1) ** 40
    shiny = torch.zeros_like(lit)
    for index in range(len(solids)):
        gloss = column([float(s.things[index].shiny) for s in scenes])
        shiny = torch.where(surface == FIRST_THING + index, gloss.expand_as(lit), shiny)
    strength = 0.75 * max(max(light.sun), 0.5 * max(light.ambient))
    return shaded + (shiny * glint * strength)[..., None]


def _albedo(scenes: Sequence[Scene], point: Vector, surface: Tensor) -> Tensor:
    """Base colour (B, P, 3) of every point, with the pattern of its floor or wall."""
    x, y, z = point
    floors = [_floor_colour(s.floor) for s in scenes]
    walls = [COLOURS[s.wall] if s.wall else (0.0, 0.0, 0.0) for s in scenes]
    base = torch.tensor(floors, device=x.device)[:, None] * torch.ones_like(x)[..., None]
    base = torch.where((surface == BACKDROP)[..., None], torch.tensor(walls, device=x.device)[:, None], base)
    for index in range(len(scenes[0].things)):
        own = torch.tensor([COLOURS[s.things[index].colour] for s in scenes], device=x.device)[:, None]
        base = torch.where((surface == FIRST_THING + index)[..., None], own, base)
    pattern = torch.ones_like(x)
    for row, scene in enumerate(scenes):
        if scene.floor in GROUNDS:
            drawn = _pattern(GROUNDS[scene.floor].pattern, x[row], z[row])
            pattern[row] = torch.where(surface[row] == FLOOR, drawn, pattern[row])
        if scene.brick:
            course = (y[row] / 0.35).floor()
            joint = ((y[row] / 0.35) % 1 < 0.14) | ((x[row] / 0.9 + 0.5 * (course % 2)) % 1 < 0.06)
            pattern[row] = torch.where((surface[row] == BACKDROP) & joint, 0.72, pattern[row])
    return base * pattern[..., None]


def _pattern(kind: str, x: Tensor, z: Tensor) -> Tensor:
    # Fine patterns fade with distance, as a real picture's pixels average them.
    fade = (3.0 / z.clamp_min(3.0)) ** 1.5
    if kind == "planks":
        return 1 + fade * (
            0.10 * torch.sin((x / 0.45).floor() * 12.9) - 0.25 * ((x / 0.45) % 1 < 0.08).float()
        )
    if kind == "tiles":
        return 1 - 0.22 * fade * (((x / 0.9) % 1 < 0.06) | ((z / 0.9) % 1 < 0.08)).float()
    return 1 + 0.07 * fade * torch.sin(7.3 * x + 2.1 * z) * torch.sin(5.9 * z - 3.7 * x)


def _floor_colour(name: str) -> RGB:
    return GROUNDS[name].albedo if name in GROUNDS else COLOURS[name]


def _sky(light: str, direction: Vector) -> Tensor:
    height = (direction[1] / (direction[1] ** 2 + direction[2] ** 2).sqrt()).clamp(0, 1)
    blend = (1 - torch.exp(-3.0 * height))[..., None]
    return _rgb(LIGHTS[light].horizon, height) * (1 - blend) + _rgb(LIGHTS[light].zenith, height) * blend


def _rgb(value: RGB, like: Tensor) -> Tensor:
    return torch.tensor(value, device=like.device)


def visible_things(surfaces: Tensor, count: int, least: float = 0.012) -> tuple[int, ...]:
    """The things that fill at least `least` of one scene's picture (H, W): those a caption may name."""
    return tuple(i for i in range(count) if float((surfaces == FIRST_THING + i).float().mean()) >= least)
