"""How well diorama obeys depth and words, on scenes it was never trained on.

Every scene is painted by the program itself, from a depth file and a sentence with seed 12345, and compared
with the renderer's own picture of it. Two scores:

* *colour*: the share of named surfaces (things, plain floors, walls) whose nearest named colour is the one in
  the sentence;
* *own scene*: the share of scenes whose picture is closer (mean squared error) to the render of its own depth
  than to that of a twin, a scene of the same words in another geometry.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthpaint.engine import Engine
from depthpaint.inputs.request import GenerationRequest
from depthpaint.training.colour_score import named_colour
from depthpaint.training.dataset import HELD_OUT_SEED
from depthpaint.training.scenes.caption import full_caption
from depthpaint.training.scenes.palette import COLOURS
from depthpaint.training.scenes.render import BACKDROP, FIRST_THING, FLOOR, render, visible_things
from depthpaint.training.scenes.scene import Scene, random_scene, random_structure

Floats = NDArray[np.float32]
LEAST_AREA = 0.012
COLUMNS = 8


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A scene, its twin, and both renders: pictures (H, W, 3) in [0, 1], disparity (H, W) in 1/m.

    Surfaces (H, W).
    """

    scene: Scene
    caption: str
    picture: Floats
    disparity: Floats
    surfaces: NDArray[np.uint8]
    twin_picture: Floats


def held_out_scenes(count: int, width: int = 128, height: int = 128) -> Iterator[HeldOut]:
    """Draw `count` scenes from seeds outside training, one structure each.

    With everything named in the caption.
    """
    rng = np.random.default_rng(HELD_OUT_SEED)
    for _ in range(count):
        shapes, indoors, light = random_structure(rng)
        scene, other = (
            random_scene(rng, shapes, indoors=indoors, light=light, ratio=width / height) for _ in range(2)
        )
        colours = {mine.shape: mine.colour for mine in scene.things}
        things = tuple(replace(thing, colour=colours[thing.shape]) for thing in other.things)
        twin = replace(other, things=things, floor=scene.floor, wall=scene.wall, brick=scene.brick)
        drawn = render([scene, twin], width, height)
        visible = visible_things(drawn.surfaces[0], len(scene.things))
        yield HeldOut(
            scene,
            full_caption(scene, visible),
            drawn.picture[0].numpy(),
            drawn.disparity[0].numpy(),
            drawn.surfaces[0].numpy(),
            drawn.picture[1].numpy(),
        )


def named_surfaces(scene: Scene, surfaces: NDArray[np.uint8]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """What the full caption gives a plain colour: (kind, colour, mask), if it fills enough of the picture."""
    found = [("floor", scene.floor, surfaces == FLOOR)] if scene.floor in COLOURS else []
    if scene.indoors and not scene.brick:
        found.append(("wall", scene.wall, surfaces == BACKDROP))
    found += [
        (thing.shape, thing.colour, surfaces == FIRST_THING + i) for i, thing in enumerate(scene.things)
    ]
    return ((kind, colour, mask) for kind, colour, mask in found if mask.mean() >= LEAST_AREA)


@dataclass
class Scores:
    """Counts over scenes; `table` turns them into shares."""

    asked: Counter[str]
    painted: Counter[str]
    rendered: Counter[str]
    own_scene: int = 0
    scenes: int = 0
    squared_errors: float = 0.0

    def add(self, scene: HeldOut, picture: Floats) -> None:
        """Score one picture (H, W, 3) in [0, 1] of `scene`."""
        for kind, colour, mask in named_surfaces(scene.scene, scene.surfaces):
            kind = kind if kind in ("floor", "wall") else "thing"
            self.asked[kind] += 1
            self.painted[kind] += named_colour(picture, mask, scene.scene.light) == colour
            self.rendered[kind] += named_colour(scene.picture, mask, scene.scene.light) == colour
        own = float(np.mean((picture - scene.picture) ** 2))
        self.own_scene += own < float(np.mean((picture - scene.twin_picture) ** 2))
        self.squared_errors += own
        self.scenes += 1

    def table(self) -> dict[str, object]:
        """Shares in [0, 1]; `psnr` in dB is that of the mean squared error over all scenes."""
        asked = self.asked.total()
        return {
            "scenes": self.scenes,
            "surfaces": asked,
            "colour": round(self.painted.total() / asked, 4),
            "colour_by_kind": {
                kind: round(self.painted[kind] / n, 4) for kind, n in sorted(self.asked.items())
            },
            "colour_of_renders": round(self.rendered.total() / asked, 4),
            "own_scene": round(self.own_scene / self.scenes, 4),
            "psnr": round(-10 * float(np.log10(self.squared_errors / self.scenes)), 2),
        }


def evaluate(
    engine: Engine, count: int, *, seed: int = 12345, on_scene: Callable[[], None] = lambda: None
) -> tuple[dict[str, object], NDArray[np.uint8]]:
    """Paint and score `count` held-out scenes; return the table and a sheet with painted above rendered."""
    scores = Scores(Counter(), Counter(), Counter())
    rows: list[list[NDArray[np.uint8]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for index, scene in enumerate(held_out_scenes(count)):
            path = Path(folder) / f"{index}.npy"
            np.save(path, scene.disparity)
            request = GenerationRequest(depth=path, prompt=scene.caption, seed=seed)
            pixels = engine.paint(request).pictures[0].pixels
            on_scene()
            scores.add(scene, pixels.astype(np.float32) / np.float32(255))
            if index % COLUMNS == 0:
                rows.append([])
            rows[-1].append(np.concatenate([pixels, (scene.picture * 255).astype(np.uint8)]))
    whole = [np.concatenate(row, axis=1) for row in rows if len(row) == len(rows[0])]
    return scores.table(), np.concatenate(whole)
