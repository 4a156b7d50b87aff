"""The keys of the JSON documents about models and this machine (document_keys explains the form)."""

from __future__ import annotations

from reference_pages.document_keys import BOOLEAN, INTEGER, NUMBER, TEXT, Keys, below

_PART: Keys = {
    "repository": (TEXT, "Repository on the hub."),
    "megabytes": (INTEGER, "Size of the download, in MB."),
    "licence": (TEXT, "Licence of the weights."),
    "weights[]": (TEXT, "Names or patterns of its files."),
    "revision": (f"{TEXT} or null", "Commit, tag or branch; null is the current main."),
    "sha256.*": (TEXT, "Known digest of each file."),
    "subfolder": (TEXT, "The folder of the files in the repository."),
    "configured": (BOOLEAN, "Whether it has a config.json."),
}
_ROW: Keys = {
    "name": (TEXT, "Name for `--model` or `--estimator`."),
    "summary": (TEXT, "One line about it."),
    "licence": (TEXT, "Licences of its parts."),
    "megabytes": (INTEGER, "Size of the download, in MB; 0 is in the package."),
    "here": (BOOLEAN, "Whether it is on this machine."),
}
_FAMILY: Keys = {
    "family": (TEXT, "Only of models that are downloaded: family of Stable Diffusion."),
    "unchecked": (TEXT, "Likewise: what could not be verified about it."),
}
_PLACE: Keys = {
    "repository": (f"{TEXT} or null", "Only of estimators: repository on the hub; null is in the package."),
    "revision": (f"{TEXT} or null", "Likewise: commit, tag or branch."),
}
_HABITS: Keys = {
    "name": (TEXT, "Name of the model."),
    "trained_area": (INTEGER, "Pixels; pictures outside the next two are painted at this area."),
    "smallest_area": (INTEGER, "Pixels; smaller pictures are painted at the trained area."),
    "largest_area": (INTEGER, "Pixels; larger pictures are painted at the trained area."),
    "multiple": (INTEGER, "Pixels; the canvas has sides of multiples of it."),
    "latent_factor": (INTEGER, "Pixels a side that one latent covers."),
    "latent_channels": (INTEGER, "Numbers per latent pixel."),
    "prediction": (TEXT, "What the network predicts: epsilon, v_prediction or sample."),
    "zero_terminal_snr": (BOOLEAN, "Whether the first step is noise alone."),
    "beta_schedule": (TEXT, "Noise table of the training; the next three likewise."),
    "beta_start": (NUMBER, ""),
    "beta_end": (NUMBER, ""),
    "train_timesteps": (INTEGER, ""),
    "sampler": (TEXT, "Default of [--sampler](settings.md#sampling); the next four likewise."),
    "schedule": (TEXT, ""),
    "num_inference_steps": (INTEGER, ""),
    "guidance_scale": (NUMBER, ""),
    "control_strength": (NUMBER, ""),
    "profile": (TEXT, "Depth that its control network was trained on."),
    "softness": (INTEGER, "Width of its edges in painted pixels; above 1 edges are always drawn."),
    "output_area": (f"{INTEGER} or null", "Pixels of a picture without a size; null: the trained area."),
    "most_guidance": (f"{NUMBER} or null", "Guidance above it is refused; null: no limit."),
    "most_steps": (f"{INTEGER} or null", "More steps get a warning; null: no limit."),
}

MODELS_LIST: Keys = below("models[]", _ROW | _FAMILY) | below("estimators[]", _ROW | _PLACE)
MODELS_SHOW: Keys = (
    _ROW
    | _FAMILY
    | _PLACE
    | below("habits", _HABITS)
    | {
        "facts.*": (f"{TEXT} or {NUMBER}", "How a model in the package was made."),
        "words[]": (TEXT, "Only of diorama: the words that it knows."),
        "trained_on": (TEXT, "Depth that the control network was trained on."),
    }
    | below("base", _PART)
    | {"control": ("object or null", "The depth control, with the keys of `base`.")}
    | below("control", _PART)
    | {"lora": ("object or null", "The LoRA that belongs to it, with the keys of `base`.")}
    | below("lora", _PART)
    | below("also.*", _PART)
)
MODELS_PULL: Keys = {
    "name": (TEXT, "Name of the model."),
    "parts[].repository": (TEXT, "Repository on the hub."),
    "parts[].revision": (TEXT, "Commit, tag or branch."),
    "parts[].licence": (TEXT, "Licence of the weights."),
    "parts[].folder": (TEXT, "Where the files are now."),
}
MODELS_VERIFY: Keys = {
    "models[].name": (TEXT, "Name of the model."),
    "models[].state": (TEXT, "whole, missing or damaged."),
    "models[].why": (TEXT, 'What is damaged, else "".'),
    "models[].files": (INTEGER, "How many files were checked."),
}
DOCTOR: Keys = {
    "depthpaint": (TEXT, "Version."),
    "python": (TEXT, "Version."),
    "system": (TEXT, "Linux, Darwin or Windows."),
    "cores": (f"{INTEGER} or null", "CPU cores."),
    "memory_gib": (f"{NUMBER} or null", "Memory in GiB; null if it is not known."),
    "diorama.ok": (BOOLEAN, "Whether the built-in model is complete."),
    "diorama.detail": (TEXT, "The digest of its weights, or what is wrong."),
    "torch": ("object or null", "What torch finds; null if the extra sd is not installed."),
    "torch.device": (
        f"{TEXT} or null",
        "The device for Stable Diffusion: cuda, mps or cpu; null: torch fails.",
    ),
    "torch.detail": (TEXT, "The same in a sentence."),
    "config": ("object or null", "The config file; null if there is none."),
    "config.path": (TEXT, "Its path."),
    "config.ok": (BOOLEAN, "Whether it can be used."),
    "config.detail": (TEXT, "ok, or what is wrong."),
    "packages.*": (f"{TEXT} or null", "Version of each package that depthpaint needs; null: missing."),
    "missing_for_extras.*[]": (TEXT, "The packages that each extra lacks."),
    "commands_for_extras.*": (TEXT, "The command that installs each extra."),
}
CONFIG: Keys = {
    "path": (f"{TEXT} or null", "Path of the config file; null if none is read."),
    "exists": (BOOLEAN, "Whether the file exists."),
    "values.*.value": (f"{TEXT} or {INTEGER}", "The default of each [key](config.md)."),
    "values.*.source": (TEXT, "Where it comes from: built in or config file."),
}
