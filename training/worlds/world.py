"""What a world is made of, before anything is drawn. Pure data: metres, radians, y up, z into the picture."""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]
Pair = tuple[float, float]

KINDS = ("box", "taper", "ball", "frustum", "cushion", "torus")
"""Unit shapes inside the cube [-1, 1]^3, stretched by a solid's half extents.

`taper` is a box whose top is `shape` times its bottom in x and z (gable and hip roofs, wedges); `frustum` a
round one with its top radius in `shape[0]` (cylinder 1, cone 0); `cushion` a box rounded with the exponent
`shape[0]`; `torus` lies flat, its tube's radius in `shape[0]`.
"""

NO_WATER = -1e6


@dataclass(frozen=True, slots=True)
class Camera:
    """An eye in metres, turned right by `yaw` and down by `pitch`; `tangent` of half the vertical opening."""

    eye: Triple
    yaw: float
    pitch: float
    tangent: float


@dataclass(frozen=True, slots=True)
class Look:
    """How a surface looks: two albedos (sRGB in [0, 1]) mixed by a texture whose features are `scale` metres.

    `gloss` is the strength of highlights, `metal` how much the surroundings are mirrored, `glow` own light.
    """

    albedo: Triple
    second: Triple
    texture: str = "plain"
    scale: float = 1.0
    gloss: float = 0.0
    metal: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True, slots=True)
class Solid:
    """One unit shape, stretched by `half`, turned by (yaw, tilt, roll), moved to `centre`.

    `look` and `named` index the world's tables (`named` 0: nothing a caption speaks of). A solid with a
    `foot` (x, z) stands on the terrain there: its centre's height counts from the ground.
    """

    kind: str
    centre: Triple
    half: Triple
    turn: Triple
    shape: Pair
    look: int
    named: int
    casts: bool = True
    foot: Pair | None = None


@dataclass(frozen=True, slots=True)
class Relief:
    """Noise hills: `height` and `wave` length in metres, `ridged` in [0, 1], from `start` to `full` in z."""

    height: float = 0.0
    wave: float = 100.0
    ridged: float = 0.0
    sharp: float = 1.0
    start: float = 0.0
    full: float = 1.0


@dataclass(frozen=True, slots=True)
class Terrain:
    """The ground outdoors: gentle `near` and high `far` relief, and a dip that may hold water.

    The dip of `dip` metres lies between the z of `dip_span` (begins, deepest, rises, ends). Above `snowline`
    metres there is snow. Looks and names: the ground, the heights, the water.
    """

    seed: int
    near: Relief
    far: Relief
    dip: float
    dip_span: tuple[float, float, float, float]
    water: float
    snowline: float
    ground: int
    heights: int
    water_look: int
    ground_named: int
    heights_named: int
    water_named: int


@dataclass(frozen=True, slots=True)
class Lamp:
    """A small source of light without shadows: position in metres, colour, strength at one metre."""

    at: Triple
    colour: Triple
    strength: float


@dataclass(frozen=True, slots=True)
class Light:
    """Illumination: a sun (azimuth 0 = behind the camera, clockwise), ambient light, sky and haze.

    Colours are linear RGB factors, except `zenith`, `horizon` and `haze`, which are seen as they are (sRGB).
    `fog` is per metre; `clouds` in [0, 1] their cover; `stars` in [0, 1].
    """

    sun: Triple
    azimuth: float
    elevation: float
    ambient: Triple
    zenith: Triple
    horizon: Triple
    haze: Triple
    fog: float
    clouds: float
    stars: float


@dataclass(frozen=True, slots=True)
class Named:
    """Something a caption may speak of: `colour` and `material` are words, None where none is said.

    `where` groups it: "surface" (floor, wall, ground), "thing" (a main thing), "detail" (may stay unsaid).
    """

    noun: str
    colour: str | None
    material: str | None
    where: str = "thing"
    many: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """Everything that decides a picture and its words. `named[0]` stands for what has no name."""

    family: str
    place: str
    mood: str | None
    lighting: str
    season: str | None
    style: str
    camera: Camera
    solids: tuple[Solid, ...]
    looks: tuple[Look, ...]
    named: tuple[Named, ...]
    terrain: Terrain | None
    lamps: tuple[Lamp, ...]
    light: Light
    focus: Triple
    reach: float
    seed: int

    @property
    def indoors(self) -> bool:
        """Whether walls and not the sky give the light."""
        return self.terrain is None
