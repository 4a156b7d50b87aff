"""The sentence that describes a scene, long or short, with synonyms and with parts left out."""

from __future__ import annotations

import numpy as np

from depthpaint.training.scenes.palette import GROUNDS, LIGHTS, SHAPES
from depthpaint.training.scenes.scene import Scene, Thing


def full_caption(scene: Scene, visible: tuple[int, ...]) -> str:
    """Name every visible thing, the floor, the wall or sky, and the light.

    What a scored scene is painted from.
    """
    return _caption(scene, visible, np.random.default_rng(0), everything=True)


def varied_caption(scene: Scene, visible: tuple[int, ...], rng: np.random.Generator) -> str:
    """A caption as people write them: each part may be left out, and then the picture decides."""
    if rng.random() < 0.03:
        return str(rng.choice(["a room", "an interior"] if scene.indoors else ["a landscape", "outdoors"]))
    return _caption(scene, visible, rng, everything=False)


def _caption(scene: Scene, visible: tuple[int, ...], rng: np.random.Generator, *, everything: bool) -> str:
    def keep(probability: float) -> bool:
        return everything or rng.random() < probability

    def word(choices: tuple[str, ...] | list[str]) -> str:
        return choices[0] if everything else str(rng.choice(list(choices)))

    shown = [scene.things[i] for i in sorted(visible, key=lambda i: scene.things[i].x / scene.things[i].z)]
    named = [_thing(thing, keep(0.92), word(SHAPES[thing.shape])) for thing in shown if keep(0.93)]
    if not everything and rng.random() < 0.3:
        rng.shuffle(named)
    text = _joined(named) or word(["an empty place", "an empty scene"])
    if not everything and rng.random() < 0.15:
        frame = ["a room with", "an interior with"] if scene.indoors else ["a landscape with", "outdoors,"]
        text = f"{word(frame)} {text}"
    if keep(0.9):
        ground = GROUNDS.get(scene.floor)
        surface = word(ground.phrases) if ground else f"{_article(scene.floor)} {word(['floor', 'ground'])}"
        text += f" on {surface}"
    if scene.indoors and keep(0.88):
        colour = f"{scene.wall} brick" if scene.brick else scene.wall
        text += f" {word(['in front of', 'before'])} {_article(colour)} wall"
    if not scene.indoors and keep(0.6):
        clear = [] if scene.light == "overcast" else ["under a clear sky"]
        text += f" {word(['under the sky', *clear])}"
    if keep(0.75):
        text += f", {word(LIGHTS[scene.light].phrases)}"
    return text


def _thing(thing: Thing, with_colour: bool, noun: str) -> str:
    words = [*(["shiny"] if thing.shiny else []), *([thing.colour] if with_colour else []), noun]
    return _article(" ".join(words))


def _article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _joined(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
