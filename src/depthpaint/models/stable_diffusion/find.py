"""Resolve a model name to a loadable model. Does not import torch, so that planning is cheap."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.model_choice import ModelChoice
from depthpaint.models.diorama.export import is_exported
from depthpaint.models.diorama.family import DIORAMA
from depthpaint.models.diorama.schemes import expanded
from depthpaint.models.hub_files import INDEX, require_sound_environment
from depthpaint.models.painter import ModelEntry, Painter, Runtime
from depthpaint.models.registered import Details, ModelFamily, RegisteredModel
from depthpaint.models.stable_diffusion.file_family import habits_of_file
from depthpaint.models.stable_diffusion.folder_parts import (
    ModelPaths,
    habits_of,
    require_checker,
    require_family,
    require_weights,
)
from depthpaint.models.stable_diffusion.places import (
    display_name,
    embeddings_of,
    in_cache,
    inversion_digests,
    named,
    needs_sd,
    place_of,
    require_extra,
)
from depthpaint.models.stable_diffusion.presets import PRESETS, Preset
from depthpaint.plan import ModelHabits

VERBOSITY = ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY")
"""If the user has set one of these, the libraries' messages stay on."""


def silence_libraries() -> None:
    """Set transformers and diffusers to log errors only: the relevant settings are checked here.

    Call it before importing anything else of them, because they log during import.
    """
    if any(name in os.environ for name in VERBOSITY):
        return
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    from diffusers.utils import logging as of_diffusers

    of_diffusers.set_verbosity_error()
    of_diffusers.disable_progress_bar()


def find_stable_diffusion(choice: ModelChoice) -> ModelEntry | None:
    """The model that `choice` names, None if there is none; loads and downloads nothing.

    A preset can be planned with before it is downloaded; `load` reports missing files. Raises ModelError if
    a folder, or its control, cannot be used for painting.
    """
    preset = PRESETS.get(choice.model)
    if preset is not None:
        habits = preset.habits
        if choice.control is not None:
            # The settings for the preset's own network may not fit another one.
            habits = replace(habits, control_strength=1.0)
        return _entry(habits, choice, preset, preset.licence, preset.summary, None)
    place = place_of(choice.model, "model")
    if place is None:
        return None
    name = display_name(choice.model, place)
    if is_exported(place):
        entry = _entry(replace(DIORAMA, name=name), choice, None, "its own", f"diorama in {name}", place)
        return replace(entry, expanded=expanded)
    habits = habits_of_file(place, name) if place.is_file() else _habits_of_folder(place, name)
    return _entry(habits, choice, None, "its own", f"Stable Diffusion in {name}", place)


def _entry(
    habits: ModelHabits,
    choice: ModelChoice,
    preset: Preset | None,
    licence: str,
    summary: str,
    place: Path | None,
) -> ModelEntry:
    # A preset is in the hub's cache, where users do not put textual inversions.
    own = None if place is None else embeddings_of(place)

    def load(runtime: Runtime) -> Painter:
        require_sound_environment()
        require_extra()  # before a download is recommended that could not be used
        located = replace(_located(choice, preset), embeddings=own)
        try:
            silence_libraries()
            from depthpaint.models.stable_diffusion.painter import load_painter
        except ModuleNotFoundError as error:
            raise needs_sd(error) from error
        return load_painter(habits, located, runtime)

    def require_here() -> None:
        require_sound_environment()
        require_extra()
        require_weights(_located(choice, preset))

    return ModelEntry(
        habits,
        load,
        licence,
        summary,
        lambda prompt: inversion_digests(prompt, own),
        require_here=require_here,
    )


def _habits_of_folder(folder: Path, name: str) -> ModelHabits:
    if not (folder / INDEX).is_file():
        raise ModelError(
            f"{folder} is not a model in diffusers' layout: it contains no {INDEX}",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"give the folder that contains {INDEX}, unet, vae and text_encoder",
            value=str(folder),
        )
    return habits_of(folder, name)


def _located(choice: ModelChoice, preset: Preset | None) -> ModelPaths:
    base = named(choice.model, "model") if preset is None else in_cache(preset.base, preset)
    controls = _controls(choice, preset, base)
    for control_name, place in controls.values():
        require_family(base, place, choice.model, control_name)
    loras = [(named(lora.file, "lora"), lora.weight) for lora in choice.lora]
    if preset is not None and preset.lora is not None:
        loras.insert(0, (in_cache(preset.lora, preset) / preset.lora.weights[0], 1.0))
    vae = None if choice.vae is None else named(choice.vae, "vae")
    places = {kind: place for kind, (_, place) in controls.items()}
    if choice.safety_checker:
        require_checker(base)
    return ModelPaths(base, places, vae, tuple(loras), choice.clip_skip, checked=choice.safety_checker)


def _controls(choice: ModelChoice, preset: Preset | None, base: Path) -> dict[str, tuple[str, Path]]:
    """The control networks by kind of hint, each with its name and its location."""
    controls: dict[str, tuple[str, Path]] = {}
    if choice.control is not None:
        controls["depth"] = choice.control, named(choice.control, "control")
    elif preset is not None and preset.control is not None:
        controls["depth"] = preset.control.repository, in_cache(preset.control, preset)
    elif is_exported(base):
        controls["depth"] = choice.model, base / "adapter"
    for also in choice.also:
        if also.control is not None:
            controls[also.kind] = also.control, named(also.control, "control")
        elif preset is not None and also.kind in preset.also:
            part = preset.also[also.kind]
            controls[also.kind] = part.repository, in_cache(part)
        else:
            raise ModelError(
                f"{choice.model} has no control network of its own for {also.kind}",
                code=ErrorCode.MODEL_NOT_FOUND,
                remedy=f"give one: --also {also.kind}=FOLDER",
                value=also.kind,
            )
    return controls


def _details(preset: Preset) -> Details:
    lines = [f"depth it was trained on: {preset.trained_on}"]
    lines += [f"not checked: {preset.unchecked}"] if preset.unchecked else []
    downloads = [f"{part.megabytes:6} MB  {part.page} ({part.licence})" for part in preset.parts]
    downloads += [
        f"{part.megabytes:6} MB  for --also {kind}: {part.page} ({part.licence})"
        for kind, part in preset.also.items()
    ]
    sections: dict[str, Mapping[str, object] | list[str]] = {
        f"to download, {preset.megabytes / 1000:.1f} GB in all": downloads,
        "habits": asdict(preset.habits),
    }
    return Details(asdict(preset), lines, sections)


def _registered(name: str) -> RegisteredModel:
    preset = PRESETS[name]
    return RegisteredModel(
        name=name, kind="model",
        heading=f"{preset.family}, to download with depthpaint models pull NAME (*: on this machine)",
        summary=preset.summary, line=f"{preset.megabytes / 1000:4.1f} GB  {preset.summary}",
        licence=preset.licence, parts=preset.parts, details=lambda: _details(preset),
        row={"family": preset.family, "unchecked": preset.unchecked},
    )  # fmt: skip


STABLE_DIFFUSION = ModelFamily(PRESETS, _registered, find_stable_diffusion)
