"""All models by name, painters and depth estimators. A new family is one more line in FAMILIES."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from depthpaint.core.errors import ErrorCode, ModelError, printable
from depthpaint.model_choice import ModelChoice
from depthpaint.models import hub
from depthpaint.models.diorama.family import DIORAMA_FAMILY
from depthpaint.models.estimators.registry import ESTIMATOR_FAMILY
from depthpaint.models.hub_files import CLIP_WORDS, HubPart, part_named
from depthpaint.models.painter import ModelEntry
from depthpaint.models.registered import Kind, ModelFamily, RegisteredModel
from depthpaint.models.stable_diffusion.find import STABLE_DIFFUSION
from depthpaint.models.stable_diffusion.presets import SDXL_UNION

FAMILIES: tuple[ModelFamily, ...] = (DIORAMA_FAMILY, STABLE_DIFFUSION, ESTIMATOR_FAMILY)
_ONLY_A_PART = {part.repository: part for part in (CLIP_WORDS, SDXL_UNION)}
"""Repositories of which a bare id means only a part."""


def find_model(choice: ModelChoice) -> ModelEntry:
    """The model that `choice` names. Raises ModelError model_not_found, or an error about its files."""
    for family in FAMILIES:
        if (entry := family.find(choice)) is not None:
            return entry
    known = names("model")
    near = difflib.get_close_matches(choice.model, known, n=5, cutoff=0.4) or known
    raise ModelError(
        f"there is no model or folder named '{printable(choice.model)}'",
        code=ErrorCode.MODEL_NOT_FOUND,
        value=choice.model,
        remedy=f"known: {', '.join(near)}",
    )


def registered(kind: Kind | None = None) -> list[RegisteredModel]:
    """Every model with a name, in the order of the list."""
    models = [family.registered(name) for family in FAMILIES for name in family.names]
    return [model for model in models if kind in (None, model.kind)]


def names(kind: Kind | None = None) -> list[str]:
    """The names of `registered`."""
    return [model.name for model in registered(kind)]


def registered_as(name: str) -> RegisteredModel | None:
    """The model with that name, None if there is none."""
    return next((family.registered(name) for family in FAMILIES if name in family.names), None)


def on_hub(name: str) -> RegisteredModel:
    """The model with that name, or the repository OWNER/NAME[@REVISION] on the hub.

    Raises ModelError model_not_found if it is neither.
    """
    if (model := registered_as(name)) is not None:
        return model
    if (part := part_named(name)) is None:
        raise ModelError(
            f"there is no model called '{printable(name)}'",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(names())}, or a hub id like owner/name",
            value=name,
        )
    return RegisteredModel(
        name=name, kind="model", heading="", summary=part.page, line="", licence=part.licence, parts=(part,)
    )


def parts_to_pull(model: RegisteredModel) -> Sequence[HubPart]:
    """What to download. For a repository without an entry, the hub is asked which files are needed.

    Raises ModelError model_not_found for a model in the package, and what hub.part_on_hub raises.
    """
    if not model.parts:
        downloads = [other.name for other in registered() if other.parts]
        raise ModelError(
            f"'{printable(model.name)}' is not a model to download: it is in the package",
            code=ErrorCode.MODEL_NOT_FOUND,
            remedy=f"choose one of {', '.join(downloads)}, or a hub id like owner/name",
            value=model.name,
        )
    if registered_as(model.name) is not None:
        return model.parts
    (part,) = model.parts
    if part.repository in _ONLY_A_PART:
        return (replace(_ONLY_A_PART[part.repository], revision=part.revision),)
    return (hub.part_on_hub(f"the model {model.name}", part.repository, model.otherwise, part.revision),)
