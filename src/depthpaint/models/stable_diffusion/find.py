"""From what a person names to what can be loaded: without torch, so that a plan costs nothing heavy."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.inputs.model_choice import ModelChoice
from depthpaint.models.entry import ModelEntry
from depthpaint.models.folder_json import require_family
from depthpaint.models.hub_part import HubPart
from depthpaint.models.painter import Painter
from depthpaint.models.runtime import Runtime
from depthpaint.models.stable_diffusion.found import Found
from depthpaint.models.stable_diffusion.habits import habits_of
from depthpaint.models.stable_diffusion.preset import Preset
from depthpaint.models.stable_diffusion.presets import PRESETS
from depthpaint.models.trees import Shelf, on_shelf
from depthpaint.plan.habits import ModelHabits

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
OTHERWISE = "name a copied folder instead"


def find_stable_diffusion(choice: ModelChoice) -> ModelEntry | None:
    """The model that `choice` names, None where it names none; nothing is loaded and nothing downloaded.

    A preset is there before its weights are: its plan can be made, and `load` says what is missing. Raises
    ModelError where a folder, or its control, cannot be painted with.
    """
    preset = PRESETS.get(choice.model)
    if preset is not None:
        return _entry(preset.habits, choice, preset)
    place = place_of(choice.model, "model")
    if place is None:
        return None
    return _entry(habits_of(place, _name(choice.model, place)), choice, None)


def place_of(name: str, shelf: Shelf) -> Path | None:
    """The file or folder that `name` names: a path, a name in a model tree, or a hub id in the cache.

    Raises ModelError offline_missing for a hub id that is not in the cache.
    """
    if Path(name).exists():
        return Path(name)
    found = on_shelf(name, shelf)
    if found is not None:
        return found
    return _in_cache(HubPart(name, 0, "its own licence")) if HUB_ID.fullmatch(name) else None


def part_named(name: str) -> HubPart:
    """What is downloaded for a bare hub id."""
    return HubPart(name, 0, "its own licence", ("*.safetensors", "*/*.safetensors", "*/*.index.json"))


def _entry(habits: ModelHabits, choice: ModelChoice, preset: Preset | None) -> ModelEntry:
    def load(runtime: Runtime) -> Painter:
        found = _found(choice, preset)
        try:
            loading = import_module("depthpaint.models.stable_diffusion.loading")
        except ModuleNotFoundError as error:
            raise needs_extra(error) from error
        return loading.load_painter(habits, found, runtime)

    if preset is None:
        return ModelEntry(habits, load, "its own", f"Stable Diffusion in {habits.name}")
    if choice.control is not None:
        # Another network may have been trained on other depth; what is known of the preset's is not of it.
        habits = replace(habits, control_strength=1.0)
    return ModelEntry(habits, load, preset.licence, preset.summary)


def _found(choice: ModelChoice, preset: Preset | None) -> Found:
    base = _in_cache(preset.base, preset) if preset is not None else place_of(choice.model, "model")
    assert base is not None  # noqa: S101 - the entry was made from it
    controls: dict[str, Path] = {}
    if choice.control is not None:
        controls["depth"] = _named(choice.control, "control", "control network")
    elif preset is not None and preset.control is not None:
        controls["depth"] = _in_cache(preset.control, preset)
    for also in choice.also:
        if also.control is not None:
            controls[also.kind] = _named(also.control, "control", "control network")
        elif preset is not None and also.kind in preset.also:
            controls[also.kind] = _in_cache(preset.also[also.kind])
        else:
            raise _no_network(also.kind, choice.model)
    for control in controls.values():
        require_family(base, control)
    loras = [(_named(lora.file, "lora", "LoRA"), lora.weight) for lora in choice.lora]
    if preset is not None and preset.lora is not None:
        loras.insert(0, (_in_cache(preset.lora, preset) / preset.lora.weights[0], 1.0))
    vae = None if choice.vae is None else _named(choice.vae, "vae", "autoencoder")
    return Found(base, controls, vae, tuple(loras), choice.clip_skip)


def _in_cache(part: HubPart, preset: Preset | None = None) -> Path:
    try:
        hub = import_module("depthpaint.models.hub")
    except ModuleNotFoundError as error:
        raise needs_extra(error) from error
    what = f"the model {part.repository if preset is None else preset.habits.name}"
    return hub.local_folder(what, part, OTHERWISE)


def _named(name: str, shelf: Shelf, what: str) -> Path:
    place = place_of(name, shelf)
    if place is None:
        raise ModelError(
            f"there is no {what} '{name}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy="name a folder, a .safetensors file, one in a tree of DEPTHPAINT_MODELS, or a hub id",
            value=name,
        )
    return place


def _name(said: str, place: Path) -> str:
    return said if HUB_ID.fullmatch(said) and not Path(said).exists() else place.resolve().stem


def _no_network(kind: str, model: str) -> ModelError:
    return ModelError(
        f"{model} has no control network for {kind} of its own",
        code=ErrorCode.MODEL_NOT_FOUND,
        remedy=f"name one: --also {kind}=FOLDER",
        value=kind,
    )


def needs_extra(error: ModuleNotFoundError) -> ModelError:
    """The error for a package that the extra `sd` brings; what is depthpaint's own is raised again."""
    if (error.name or "").startswith("depthpaint"):
        raise error
    return ModelError(
        f"Stable Diffusion needs {error.name}, which is not installed",
        code=ErrorCode.MODEL_INCOMPATIBLE,
        remedy="pip install 'depthpaint[sd]'",
        value=error.name,
    )
