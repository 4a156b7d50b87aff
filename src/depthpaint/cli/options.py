"""The flags of `generate` and what their help says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

if TYPE_CHECKING:
    from depthpaint.models.runtime import Runtime
    from depthpaint.verify.choosing import Wish

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
_WEIGHTS = "Which weights paint"
Model = Annotated[
    str,
    Option(
        rich_help_panel=_WEIGHTS,
        help="A name (depthpaint models list), a hub id, a diffusers folder or a .safetensors checkpoint.",
    ),
]
AlsoOption = Annotated[
    list[str] | None,
    Option(
        metavar="KIND[=NETWORK][:STRENGTH[:START:END]]",
        help="Further control from the same depth: normal, canny; several with commas.",
    ),
]
Control = Annotated[
    str | None,
    Option(rich_help_panel=_WEIGHTS, help="The depth ControlNet or T2I-Adapter: a hub id, folder or file."),
]
LoraOption = Annotated[
    list[str] | None,
    Option(rich_help_panel=_WEIGHTS, metavar="FILE[:WEIGHT]", help="A LoRA; may be given several times."),
]
Vae = Annotated[str | None, Option(rich_help_panel=_WEIGHTS, help="Another autoencoder.")]
ClipSkip = Annotated[
    int, Option(rich_help_panel=_WEIGHTS, help="Last layers of the text encoder to leave out.")
]
SafetyCheckerOption = Annotated[
    bool,
    Option(
        "--safety-checker",
        rich_help_panel=_WEIGHTS,
        help="Let the model's own safety checker look at every picture; exit 8 if it refuses one.",
    ),
]
_MACHINE = "Where it computes"
DeviceOption = Annotated[str, Option("--device", rich_help_panel=_MACHINE, help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[
    str, Option("--precision", rich_help_panel=_MACHINE, help="auto, fp32, fp16 or bf16.")
]
Compile = Annotated[
    bool, Option("--compile", rich_help_panel=_MACHINE, help="Let torch compile: pays over many pictures.")
]
Threads = Annotated[
    int,
    Option(
        "--threads", min=0, max=256, rich_help_panel=_MACHINE, help="Of the CPU; 0: one a core, on Ray one."
    ),
]
Sampler = Annotated[str | None, Option(help="euler, euler-ancestral, heun, dpm++-2m, ddim, lcm, unipc.")]
Schedule = Annotated[str | None, Option(help="trailing, early, leading, linspace, karras, exponential.")]
FitOption = Annotated[str, Option(help="Where ratios differ: pad, crop or stretch.")]
Finish = Annotated[
    bool, Option("--finish/--no-finish", help="Draw edges along the depth map's, where the model's are soft.")
]
Expand = Annotated[
    bool, Option("--expand/--no-expand", help="Let diorama draw colours that a short sentence leaves open.")
]
Out = Annotated[Path, Option(help="Folder for the pictures.")]
Name = Annotated[str | None, Option(help="The file's name; without it, from prompt and seed.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace files that are there.")]
Sidecar = Annotated[bool, Option("--sidecar", help="Write the record as .json, too.")]
PreviewEvery = Annotated[
    int, Option(min=0, metavar="N", help="Every N steps save how far it is, as NAME-step-003.png.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Check everything and print the plan; paint nothing.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document.")]
_VERIFYING = "Whether the picture has the depth that was asked for"
Ray = Annotated[str | None, Option(metavar="ADDRESS", help="Paint on Ray: 'local', or a cluster's address.")]
Workers = Annotated[
    int | None, Option(min=1, help="Painters on Ray; without it one a GPU, or one a CPU core.")
]
Verify = Annotated[
    bool, Option("--verify", rich_help_panel=_VERIFYING, help="Estimate its depth, say how it agrees.")
]
MinAgreement = Annotated[
    float | None,
    Option(
        min=-1,
        max=1,
        rich_help_panel=_VERIFYING,
        help="Try other seeds below this rank correlation; exit 4 if none reaches it.",
    ),
]
Tries = Annotated[
    int | None,
    Option(
        min=1, max=1000, rich_help_panel=_VERIFYING, help="Seeds to try for --min-agreement, 4 if unsaid."
    ),
]
BestOf = Annotated[
    int | None,
    Option(min=1, max=1000, rich_help_panel=_VERIFYING, help="Paint N seeds, keep what agrees best."),
]
VerifyWith = Annotated[
    str | None,
    Option(
        metavar="ESTIMATOR", rich_help_panel=_VERIFYING, help="Who looks: a name (models list) or a folder."
    ),
]
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
MaxPixels = Annotated[
    int | None,
    Option(
        "--max-pixels",
        metavar="N",
        rich_help_panel=_READING,
        help="Read maps of up to N pixels, 33554432 (8192x4096) unless given; 30 bytes of memory each.",
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Say nothing but errors.")]


def said(**reading: object) -> dict[str, object]:
    """What was said of the depth file: the flags that differ from their defaults.

    The rest stays unsaid, which is not the same: holes without --holes are filled up to a limit only.
    """
    from depthpaint.depth.reading import DepthReading
    from depthpaint.models.estimators.registry import DEFAULT

    photo, named = reading.pop("photo"), reading.pop("estimator")
    reading["from_photo"] = DEFAULT if photo and named is None else named
    fields = DepthReading.model_fields
    return {
        name: value
        for name, value in reading.items()
        if value is not None and (name == "holes" or value != fields[name].default)
    }


TRIES = 4


def wish_of(
    *, verify: bool, least: float | None, tries: int | None, best_of: int | None, estimator: str | None
) -> Wish | None:
    """What the flags ask of a picture's depth; None where nobody is to look. Raises ParameterError."""
    from math import inf

    from depthpaint.core.errors import ErrorCode, ParameterError

    if (least is not None or tries is not None) and best_of is not None:
        raise ParameterError(
            "--best-of makes all its tries, --min-agreement and --tries stop at the first that agrees",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="give one or the other",
        )
    if tries is not None and least is None:
        raise ParameterError(
            "--tries without --min-agreement has nothing to try for",
            code=ErrorCode.INVALID_PARAMETER,
            remedy="add --min-agreement 0.9, or ask for --best-of",
        )
    if not verify and least is None and best_of is None and estimator is None:
        return None
    from depthpaint.models.estimators.registry import DEFAULT
    from depthpaint.verify.choosing import Wish

    judge = estimator or DEFAULT
    if best_of is not None:
        return Wish(judge, inf, best_of)
    return Wish(judge) if least is None else Wish(judge, least, tries or TRIES)


def runtime_of(device: str, precision: str, *, compiled: bool = False, threads: int = 0) -> Runtime:
    """Where it is to compute. Raises ParameterError for a word that is none of those."""
    from typing import get_args

    from depthpaint.core.errors import ErrorCode, ParameterError
    from depthpaint.models import runtime

    for flag, said, known in (
        ("--device", device, get_args(runtime.Device)),
        ("--precision", precision, get_args(runtime.Precision)),
    ):
        if said not in known:
            raise ParameterError(
                f"there is no {flag} {said!r}",
                code=ErrorCode.INVALID_PARAMETER,
                remedy=f"choose {', '.join(known)}",
                value=said,
            )
    return runtime.Runtime(device, precision, compiled, threads)  # pyright: ignore[reportArgumentType]
