"""diorama before it is loaded: its habits, and its entry in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.files import SMALL_FILES, diorama_facts, open_files, tokenizer_file
from depthpaint.models.diorama.schemes import expanded
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.registered import Details, ModelFamily, RegisteredModel, check_shipped
from depthpaint.plan import ModelHabits

DIORAMA = ModelHabits(
    name="diorama",
    trained_area=256 * 256,
    smallest_area=192 * 192,
    largest_area=352 * 352,
    multiple=32,
    latent_factor=8,
    latent_channels=16,
    prediction="v_prediction",
    zero_terminal_snr=True,
    sampler="ddim",
    schedule="early",
    num_inference_steps=2,
    # It was trained to decide without guidance (training/colour_loss.py).
    guidance_scale=1.0,
    control_strength=1.0,
    # Its colours are accurate to half a latent pixel; the depth map has more exact edges.
    softness=4,
    output_area=512 * 512,
    most_guidance=4.0,
    most_steps=8,
)

LICENCE = "Apache-2.0"
SUMMARY = "Built in: paints rooms, houses, landscapes and things in soft colours, on the CPU."


def _load(runtime: Runtime) -> Painter:
    # Runs on the CPU, in float32. Imported late so that listing models does not load ONNX Runtime.
    from depthpaint.models.diorama.painter import Diorama

    return Diorama(DIORAMA, runtime=runtime)


def start_loading(model: str, runtime: Runtime) -> Future[Painter] | None:
    """Start loading `model` in its own thread if it is the built-in one; None for others.

    ONNX Runtime releases the interpreter lock while it builds sessions, and the imports that a command still
    has to do take as long as that. The thread itself imports nothing: two threads that import parts of one
    package at once can see it half initialised. Errors are raised by the future's result.
    """
    if model != DIORAMA.name:
        return None
    from depthpaint.models.diorama.painter import Diorama

    pool = ThreadPoolExecutor(1, "loading")
    loading: Future[Painter] = pool.submit(Diorama, DIORAMA, runtime=runtime)
    pool.shutdown(wait=False)
    return loading


def _found(choice: ModelChoice) -> ModelEntry | None:
    if choice.model != DIORAMA.name:
        return None
    plain = ModelChoice(model=choice.model)
    parts = [name for name in ModelChoice.model_fields if getattr(choice, name) != getattr(plain, name)]
    if parts:
        raise ModelError(
            f"{choice.model} cannot be combined with {' and '.join(parts)}",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            value=tuple(parts),
            remedy="leave it out, or choose a Stable Diffusion with --model",
        )
    return ModelEntry(
        DIORAMA, _load, LICENCE, SUMMARY, expanded=expanded, prompt_syntax=False, side_by_side=True
    )


def _details() -> Details:
    # The import is late so that listing models does not load ONNX Runtime.
    from depthpaint.models.diorama.painter import Vocabulary

    habits, facts, words = asdict(DIORAMA), diorama_facts(), Vocabulary(tokenizer_file()).words
    sections: dict[str, Mapping[str, object] | list[str]] = {
        "habits": habits, "how it was made": facts, f"the {len(words)} words it knows": [" ".join(words)],
    }  # fmt: skip
    return Details({"habits": habits, "facts": facts, "words": words}, sections=sections)


def _registered(name: str) -> RegisteredModel:
    return RegisteredModel(
        name=name, kind="model", heading="in the package", summary=SUMMARY, line=f"{SUMMARY} ({LICENCE})",
        licence=LICENCE, details=_details,
        check=lambda: check_shipped(name, len(SMALL_FILES) + 2, open_files),
    )  # fmt: skip


DIORAMA_FAMILY = ModelFamily((DIORAMA.name,), _registered, _found)
