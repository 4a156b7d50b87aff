"""The flags of `generate` and what their help says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Depth = Annotated[
    Path, Argument(metavar="DEPTH", help="Depth map of any kind: PNG, TIFF, EXR, NPY, ...; - for stdin.")
]
Prompt = Annotated[str, Argument(metavar="PROMPT", help="What is in the picture.")]
Seed = Annotated[int, Option(help="0 to 4294967295; -1 draws one and tells it.")]
Count = Annotated[int, Option(help="Pictures; picture k has the seed plus k.")]
Size = Annotated[str | None, Option(help="Output, like 940x564, or 'depth' for the map's own.")]
Aspect = Annotated[str | None, Option(help="Ratio at the model's trained area, like 5:3.")]
Steps = Annotated[int | None, Option(help="num_inference_steps: calls of the denoising network.")]
GuidanceScale = Annotated[float | None, Option(help="guidance_scale: weight of the sentence; 1 is off.")]
GuidanceWindow = Annotated[str, Option(help="Share of the steps with guidance, like 0:0.8.")]
Strength = Annotated[float | None, Option(help="How strongly depth controls; 0 is off.")]
ControlShare = Annotated[str, Option(help="Share of the steps with depth, like 0:0.6.")]
Profile = Annotated[
    str | None,
    Option(help="Terms the depth network knows: midas, depth-anything, zoe; else the model's own."),
]
Negative = Annotated[str, Option(help="What should not be in the picture.")]
Model = Annotated[str, Option(help="See: depthpaint models list.")]
Sampler = Annotated[str | None, Option(help="euler, euler-ancestral, heun, dpm++-2m, ddim, unipc.")]
Schedule = Annotated[str | None, Option(help="trailing, leading, linspace, karras, exponential.")]
FitOption = Annotated[str, Option(help="Where ratios differ: pad, crop or stretch.")]
Out = Annotated[Path, Option(help="Folder for the pictures.")]
Name = Annotated[str | None, Option(help="The file's name; without it, from prompt and seed.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace files that are there.")]
Sidecar = Annotated[bool, Option("--sidecar", help="Write the record as .json, too.")]
PreviewEvery = Annotated[
    int, Option(min=0, metavar="N", help="Every N steps save how far it is, as NAME-step-003.png.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Check everything and print the plan; paint nothing.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document.")]
_READING = "How the depth file is read; without them it is found out"
Near = Annotated[str, Option(rich_help_panel=_READING, help="Which end is near: auto, white or black.")]
Kind = Annotated[str, Option(rich_help_panel=_READING, help="auto, disparity or distance.")]
Unit = Annotated[
    str,
    Option(
        rich_help_panel=_READING, help="What distances count: m, cm, mm, km, ft, kitti, tum, scannet, nyu."
    ),
]
ColourMap = Annotated[
    str, Option(rich_help_panel=_READING, help="What colours mean: auto, turbo, viridis, ..., rgb24, bgr24.")
]
Range = Annotated[
    str,
    Option(
        "--range",
        rich_help_panel=_READING,
        help="Far to near: auto, full, or LOW:HIGH in the file's numbers.",
    ),
]
Holes = Annotated[
    str | None,
    Option(
        rich_help_panel=_READING,
        help="Pixels without depth: inpaint (default), far, or free for the sentence.",
    ),
]
Empty = Annotated[
    str, Option(rich_help_panel=_READING, help="Numbers that mean no depth: auto, none, or like 0,65535.")
]
FrameOption = Annotated[
    str, Option("--frame", rich_help_panel=_READING, help="Bars and pages around the map: auto or keep.")
]
Part = Annotated[
    str | None, Option(rich_help_panel=_READING, help="The array in an NPZ, the channel in an EXR.")
]
Deband = Annotated[bool, Option("--deband", rich_help_panel=_READING, help="Smooth the steps of few levels.")]
FromPhoto = Annotated[
    bool, Option("--from-photo", rich_help_panel=_READING, help="The file is a photo: see depth in it.")
]
EstimatorName = Annotated[
    str | None,
    Option(
        "--estimator",
        rich_help_panel=_READING,
        help="What sees depth in a photo: a name (models list) or a folder.",
    ),
]
AlphaMask = Annotated[
    bool, Option("--alpha-mask", rich_help_panel=_READING, help="Transparent pixels have no depth.")
]
AllowConstant = Annotated[
    bool, Option("--allow-constant", rich_help_panel=_READING, help="Let a flat map through.")
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Say nothing but errors.")]


def said(**reading: object) -> dict[str, object]:
    """What was said of the depth file: the flags that differ from their defaults.

    The rest stays unsaid, which is not the same: holes without --holes are filled up to a limit only.
    """
    from depthpaint.inputs.depth_reading import DepthReading
    from depthpaint.models.estimators.registry import DEFAULT

    photo, named = reading.pop("photo"), reading.pop("estimator")
    reading["from_photo"] = DEFAULT if photo and named is None else named
    fields = DepthReading.model_fields
    return {
        name: value
        for name, value in reading.items()
        if value is not None and (name == "holes" or value != fields[name].default)
    }
