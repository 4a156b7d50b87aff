"""From what a person names to what can be loaded: without torch, so that a plan costs nothing heavy."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.entry import ModelEntry
from depthpaint.models.hub_environment import require_sound_environment
from depthpaint.models.hub_listing import INDEX
from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.family import require_family
from depthpaint.models.stable_diffusion.folder_parts import require_weights
from depthpaint.models.stable_diffusion.found import Found
from depthpaint.models.stable_diffusion.habits import habits_of
from depthpaint.models.stable_diffusion.inversion_names import embeddings_of, learned_in
from depthpaint.models.stable_diffusion.places import (
    display_name,
    in_cache,
    named,
    needs_extra,
    place_of,
    require_extra,
)
from depthpaint.models.stable_diffusion.preset import Preset
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.models.stable_diffusion.safety_parts import require_checker
from depthpaint.plan import ModelHabits


def find_stable_diffusion(choice: ModelChoice) -> ModelEntry | None:
    """The model that `choice` names, None where it names none; nothing is loaded and nothing downloaded.

    A preset is there before its weights are: its plan can be made, and `load` says what is missing. Raises
    ModelError where a folder, or its control, cannot be painted with.
    """
    preset = PRESETS.get(choice.model)
    if preset is not None:
        habits = preset.habits
        if choice.control is not None:
            # What is known of the preset's network is not known of another.
            habits = replace(habits, control_strength=1.0)
        return _entry(habits, choice, preset, preset.licence, preset.summary, None)
    place = place_of(choice.model, "model")
    if place is None:
        return None
    name = display_name(choice.model, place)
    habits = _habits_of_file(place, name) if place.is_file() else _habits_of_folder(place, name)
    return _entry(habits, choice, None, "its own", f"Stable Diffusion in {name}", place)


def _entry(
    habits: ModelHabits,
    choice: ModelChoice,
    preset: Preset | None,
    licence: str,
    summary: str,
    place: Path | None,
) -> ModelEntry:
    # A preset lies in the hub's cache, where nobody puts words of their own.
    own = None if place is None else embeddings_of(place)

    def load(runtime: Runtime) -> Painter:
        require_sound_environment()
        found = replace(_found(choice, preset), embeddings=own)
        try:
            import_module("depthpaint.models.stable_diffusion.library_noise").silence_libraries()
            loading = import_module("depthpaint.models.stable_diffusion.loading")
            return loading.load_painter(habits, found, runtime)
        except ModuleNotFoundError as error:
            raise needs_extra(error) from error

    def require_here() -> None:
        require_sound_environment()
        require_extra()
        require_weights(_found(choice, preset))

    return ModelEntry(
        habits, load, licence, summary, lambda prompt: learned_in(prompt, own), require_here=require_here
    )


def _habits_of_folder(folder: Path, name: str) -> ModelHabits:
    if not (folder / INDEX).is_file():
        raise ModelError(
            f"{folder} is no model in diffusers' layout: it holds no {INDEX}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"name the folder that holds {INDEX}, unet, vae and text_encoder",
            value=str(folder),
        )
    return habits_of(folder, name)


def _habits_of_file(file: Path, name: str) -> ModelHabits:
    """The seam to checkpoints in one file."""
    try:
        reader = import_module("depthpaint.models.stable_diffusion.file_family")
    except ImportError as error:
        raise ModelError(
            f"{file.name} is one file, and checkpoints in one file are not read",
            code=ErrorCode.MODEL_INCOMPATIBLE,
            remedy=f"name a folder in diffusers' layout, which holds {INDEX}, unet, vae and text_encoder",
            value=str(file),
        ) from error
    return reader.habits_of_file(file, name)


def _found(choice: ModelChoice, preset: Preset | None) -> Found:
    base = named(choice.model, "model") if preset is None else in_cache(preset.base, preset)
    controls = _controls(choice, preset)
    for said, place in controls.values():
        require_family(base, place, choice.model, said)
    loras = [(named(lora.file, "lora"), lora.weight) for lora in choice.lora]
    if preset is not None and preset.lora is not None:
        loras.insert(0, (in_cache(preset.lora, preset) / preset.lora.weights[0], 1.0))
    vae = None if choice.vae is None else named(choice.vae, "vae")
    places = {kind: place for kind, (_, place) in controls.items()}
    if choice.safety_checker:
        require_checker(base)
    return Found(base, places, vae, tuple(loras), choice.clip_skip, checked=choice.safety_checker)


def _controls(choice: ModelChoice, preset: Preset | None) -> dict[str, tuple[str, Path]]:
    """The control networks by what they see, as they are called and where they are."""
    found: dict[str, tuple[str, Path]] = {}
    if choice.control is not None:
        found["depth"] = choice.control, named(choice.control, "control")
    elif preset is not None and preset.control is not None:
        found["depth"] = preset.control.repository, in_cache(preset.control, preset)
    for also in choice.also:
        if also.control is not None:
            found[also.kind] = also.control, named(also.control, "control")
        elif preset is not None and also.kind in preset.also:
            part = preset.also[also.kind]
            found[also.kind] = part.repository, in_cache(part)
        else:
            raise ModelError(
                f"{choice.model} has no control network for {also.kind} of its own",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"name one: --also {also.kind}=FOLDER",
                value=also.kind,
            )
    return found
