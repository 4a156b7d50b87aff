"""The settings as keyword arguments: what `depthpaint.paint` and `depthpaint.read_depth` take.

Written by `make docs` from the fields of `depthpaint.request.Request`; do not edit. None is as if not given.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from depthpaint.depth.depth_map import ColoursChoice, UnitChoice
from depthpaint.model_choice import Also, Lora


class ReadingSettings(TypedDict, total=False):
    """How to read a depth map."""

    near: Literal["auto", "white", "black"] | None
    """Which end of the stored numbers is near: white is the high one. Default: auto."""

    kind: Literal["auto", "disparity", "distance"] | None
    """Whether numbers grow with nearness (disparity) or are distances. Default: auto."""

    unit: UnitChoice | float | None
    """Unit of the distances, the data set that they follow, or the metres of one stored step, like 0.0001.
    Default: auto."""

    colour_map: ColoursChoice | None
    """Colour map that a colour picture was drawn with. Default: auto."""

    range: tuple[float, float] | str | None
    """Numbers that span far to near: auto, full, or LOW:HIGH in the file's numbers. Default: auto."""

    holes: Literal["auto", "inpaint", "far", "free"] | None
    """Pixels without depth: fill from around (inpaint), make far, or leave free to the prompt. auto fills
    holes, and makes far transparent pixels and what surrounds a thing. Default: auto."""

    empty: list[float] | tuple[float, ...] | str | None
    """Numbers that mean no depth: auto, none, or a list like 0,65535. Default: auto."""

    frame: tuple[int, int, int, int] | str | None
    """Bars, page margins or a photo beside the map: cut off, or keep; or the map's box LEFT,TOP,RIGHT,BOTTOM
    in pixels. Default: auto."""

    part: str | None
    """Array of an NPZ, or channel of an EXR."""

    frame_index: int | None
    """Frame of an array (frames, height, width), page of a TIFF or part of an EXR; 0 is the first."""

    flip: bool | None
    """Turn the map upside down, as for a PFM whose rows begin at the top."""

    deband: bool | None
    """Smooth the steps of a map with few levels."""

    from_photo: str | None
    """The file is a photo: estimate its depth with this estimator (depthpaint models list) or folder."""

    alpha_mask: bool | None
    """Transparent pixels have no depth."""

    allow_constant: bool | None
    """Accept a map that is the same everywhere."""

    max_pixels: int | None
    """Largest map that is read, in pixels; each takes about 30 bytes of memory. Changes no picture. Default:
    33554432."""


class PaintSettings(ReadingSettings, total=False):
    """Settings of a picture, besides depth map and prompt."""

    negative_prompt: str | None
    """What should not be in the picture; needs guidance above 1."""

    seed: int | None
    """Seed of the noise, 0 to 4294967295; at the command line -1 draws one and prints it. Default: 12345."""

    size: tuple[int, int] | str | None
    """Size of the picture, like 940x564, or 'depth' for the map's own. Default: the map's ratio at the area
    that the model was trained on."""

    fit: Literal["pad", "crop", "stretch"] | None
    """How the map is laid on a picture of another ratio: pad, crop or stretch. Default: pad."""

    finish: bool | None
    """Draw edges along the depth map's where the model's are soft. Default: yes."""

    expand: bool | None
    """Let diorama add colours that a short prompt leaves open. Default: yes."""

    init: str | None
    """Picture to start from: its layout and colours are kept in part."""

    denoise: float | None
    """With --init: share of the steps that run, up to 1; more of them change more. Default: 0.5."""

    num_inference_steps: int | None
    """Calls of the denoising network. Default: the model's own; diorama: 2."""

    guidance_scale: float | None
    """Weight of the prompt; 1 is off. Default: the model's own; diorama: 1."""

    guidance_window: tuple[float, float] | str | None
    """Share of the steps with guidance, like 0:0.8. Default: 0:1."""

    sampler: str | None
    """Sampler: euler, euler-ancestral, heun, dpm++-2m, ddim, lcm or unipc. Default: the model's own; diorama:
    ddim."""

    schedule: str | None
    """Noise levels: trailing, early, leading, linspace, karras or exponential. Default: the model's own;
    diorama: early."""

    control_strength: float | None
    """Weight of the depth control; 0 is off. Default: the model's own; diorama: 1."""

    control_window: tuple[float, float] | str | None
    """Share of the steps with depth control, like 0:0.6. Default: 0:1."""

    profile: Literal["midas", "depth-anything", "zoe"] | None
    """Depth that the control network was trained on: midas, depth-anything or zoe. Default: the model's own;
    diorama: midas."""

    model: str | None
    """Model: a name (depthpaint models list), a hub id, a diffusers folder or a .safetensors file. Default:
    diorama."""

    control: str | None
    """Depth ControlNet or T2I-Adapter: a hub id, folder or file. Default: the one that belongs to the
    model."""

    lora: list[Lora | str] | tuple[Lora | str, ...] | str | None
    """LoRA file with its weight; may be given several times."""

    vae: str | None
    """Autoencoder: a hub id, folder or file. Default: the model's own."""

    clip_skip: int | None
    """Last layers of the text encoder to leave out."""

    safety_checker: bool | None
    """Check each picture with the model's own safety checker; exit 8 if it refuses one."""

    also: list[Also | str] | tuple[Also | str, ...] | str | None
    """Further control made from the same depth: normal or canny; several with commas."""

    count: int | None
    """Number of pictures; the seed grows by 1 with each. Default: 1."""

    aspect: float | str | None
    """Ratio of the picture at the area that the model was trained on, like 5:3. Default: the map's."""
