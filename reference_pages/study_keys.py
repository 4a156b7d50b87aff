"""The keys of the documents of studies, benchmarks and records (document_keys explains the form)."""

from __future__ import annotations

from reference_pages.document_keys import (
    AGREEMENT,
    BOOLEAN,
    INTEGER,
    NUMBER,
    SCORES,
    TEXT,
    Keys,
    below,
)

INTERVAL: Keys = {
    "median": (NUMBER, ""),
    "low": (NUMBER, ""),
    "high": (NUMBER, ""),
    "count": (INTEGER, ""),
}
TIMING: Keys = {
    "median": (NUMBER, "Seconds; the next two likewise."),
    "lowest": (NUMBER, ""),
    "highest": (NUMBER, ""),
    "runs": (INTEGER, "How many runs were timed."),
}
ENVIRONMENT: Keys = {"environment.*": (TEXT, "Versions of packages, system, machine and processor.")}


def _interval(path: str, meaning: str) -> Keys:
    """The keys of an interval."""
    return {path: ("interval", meaning)} | below(path, INTERVAL)


_REPORT: Keys = ENVIRONMENT | {
    "title": (TEXT, "Title of the report."),
    "verdicts[]": (TEXT, "The results in sentences."),
}
_PICTURES: Keys = (
    {
        "pictures[].seed": (INTEGER, "Seed."),
        "pictures[].file": (TEXT, "Path of the picture in the study's folder."),
    }
    | below("pictures[].agreement", SCORES)
    | {
        "pictures[].look.repetition": (NUMBER, "0 to 1; how well patches match other places of the picture."),
        "pictures[].look.sharpness": (NUMBER, "Mean absolute Laplacian of the brightness, of a range of 1."),
        "pictures[].look.contrast": (NUMBER, "Standard deviation of the brightness."),
        "pictures[].look.colourfulness": (NUMBER, "After Hasler and Suesstrunk (2003), over 255."),
        "pictures[].asked_repetition": (NUMBER, "0 to 1; repetition of the depth map."),
    }
)
ASPECT: Keys = (
    _REPORT
    | {
        "pictures[].ratio": (TEXT, "Ratio of the picture, like 3:2."),
        "pictures[].way": (TEXT, "crop, pad, stretch or letterbox."),
    }
    | _PICTURES
    | {"findings[].ratio": (TEXT, "Ratio."), "findings[].way": (TEXT, "How the map was laid on it.")}
    | _interval("findings[].depth_agreement", "Of the pictures of this ratio and way.")
    | _interval("findings[].repetition", "In excess of the depth map's own.")
    | _interval("findings[].sharpness", "Of the pictures.")
    | _interval("findings[].agreement_apart", "Depth agreement less that of 1:1, seed by seed.")
    | _interval("findings[].repetition_apart", "Repetition less that of 1:1, seed by seed.")
)
STRENGTH: Keys = (
    _REPORT
    | {
        "pictures[].strength": (NUMBER, "Weight of the depth control."),
        "pictures[].window": (TEXT, "Share of the steps with depth control, like 0:0.6."),
    }
    | _PICTURES
    | {"findings[].strength": (NUMBER, "Weight."), "findings[].window": (TEXT, "Share of the steps.")}
    | _interval("findings[].depth_agreement", "Of the pictures of this strength and window.")
    | _interval("findings[].freedom", "How much pictures of two seeds differ, of a range of 1.")
)
LATENCY: Keys = (
    _REPORT
    | {
        "findings[].lever": (TEXT, "What was changed."),
        "findings[].seconds[]": (NUMBER, "Seconds of each picture."),
        "findings[].stages.*[]": (NUMBER, "Seconds of each stage of each picture."),
        "findings[].depth_agreement[]": (NUMBER, "Of each seed."),
        "findings[].likeness[]": (NUMBER, "PSNR in dB to the unchanged picture of each seed."),
        "cold.*": ("interval", "Seconds of each stage of a fresh process."),
    }
    | below("cold.*", INTERVAL)
)
BENCH: Keys = (
    {
        "task.*": (f"{TEXT}, {NUMBER}, {BOOLEAN} or list", "What was painted or read, with its settings."),
        "cold.*": ("timing", "Whole processes, by program."),
    }
    | below("cold.*", TIMING)
    | {"steady.*": ("timing", "Pictures of a loaded program, by program.")}
    | below("steady.*", TIMING)
    | {
        "cold_ratio": (NUMBER, "Median of depthpaint over that of diffusers; the next likewise."),
        "steady_ratio": (NUMBER, ""),
        "psnr": (NUMBER, "With --vs diffusers: how alike the pictures are, in dB."),
        "rows": (INTEGER, "With --rows: rows painted."),
        "seconds.*": ("timing", "With --rows: whole processes, by program; with --model: see the next."),
    }
    | below("seconds.*", TIMING)
    | {"seconds.*.*": ("timing", "With --model: one step, by program and control window.")}
    | below("seconds.*.*", TIMING)
    | {
        "times_as_fast": (NUMBER, "With --rows: rows per second of depthpaint over those of diffusers."),
        "times_as_fast.*": (NUMBER, "With --model: the same, by control window."),
        "peak_mb.*": (INTEGER, "With --model: peak memory in MB, by program."),
        "timings.*": ("timing", "With --vs pillow: reading a large map, by program."),
    }
    | below("timings.*", TIMING)
    | {"ratio": (NUMBER, "With --vs pillow: median of depthpaint over that of Pillow.")}
    | ENVIRONMENT
)
RECORD: Keys = (
    {
        "schema_version": (INTEGER, "Version of this form."),
        "settings.*": ("see [Settings](settings.md)", "Each setting, resolved, and `prompt`."),
        "plan.depth_size[]": (INTEGER, "Width and height of the depth map; the sizes below likewise."),
        "plan.content_size[]": (INTEGER, ""),
        "plan.canvas_size[]": (INTEGER, ""),
        "plan.latent_size[]": (INTEGER, ""),
        "plan.output_size[]": (INTEGER, ""),
        "plan.content_box[]": (NUMBER, "Left, top, right and bottom of the content on the canvas."),
        "plan.timesteps[]": (NUMBER, "Time of each step."),
        "plan.sigmas[]": (f"{NUMBER} or {TEXT}", 'Noise over signal of each step; "inf" for noise alone.'),
        "plan.prediction": (TEXT, "What the network predicts."),
        "plan.expanded_prompt": (f"{TEXT} or null", "The prompt with what the model added to it."),
        "plan.finishing": (f"{INTEGER} or null", "Version of the method that draws edges; null: not drawn."),
        "depth.file": (TEXT, "The depth map, relative to the picture."),
        "depth.format": (TEXT, "Its format."),
        "depth.size[]": (INTEGER, "Its width and height."),
        "depth.container_bits": (INTEGER, "Bits per number in the file."),
        "depth.bits_used": (INTEGER, "Bits that its different numbers need."),
        "depth.levels": (INTEGER, "How many different numbers there are."),
        "depth.colour_map": (TEXT, "Its colour map."),
        "depth.near": (TEXT, "Its near end: white or black."),
        "depth.kind": (TEXT, "disparity or distance."),
        "depth.metres": (f"{NUMBER} or null", "Metres of one stored step; null if not stated."),
        "depth.raw_range[]": (NUMBER, "Smallest and greatest valid number."),
        "depth.used_range[]": (NUMBER, "The part that spans far to near."),
        "depth.findings[].aspect": (TEXT, "What was concluded: near, kind, unit, ..."),
        "depth.findings[].value": (TEXT, "The conclusion."),
        "depth.findings[].confidence": (NUMBER, "0 to 1."),
        "depth.findings[].evidence": (TEXT, "Why."),
        "depth.findings[].flag": (TEXT, "The option that overrules it."),
        "depth.invalid_share": (NUMBER, "0 to 1; share of pixels without depth."),
        "depth.notes[]": (TEXT, "Remarks on the file."),
        "depth.estimator": (TEXT, 'For photos: the estimator; else "", as the next two.'),
        "depth.estimator_revision": (TEXT, "Its revision on the hub."),
        "depth.estimator_sha256": (TEXT, "Digest of its weights."),
        "digests.depth": (TEXT, "sha256 of the depth file; the next three likewise."),
        "digests.control": (TEXT, "Of the depth that the network got."),
        "digests.weights": (TEXT, "Of the weights."),
        "digests.picture": (TEXT, "Of the pixels, before any compression with a loss."),
        "digests.inversions.*": (TEXT, "Of each textual inversion in the prompts."),
        "digests.init": (TEXT, "Of the file of the picture to start from; empty if there was none."),
        "seconds.*": (NUMBER, "Time of each stage, in seconds."),
        "evaluations.*": (INTEGER, "How often each network ran."),
        "warnings[]": (TEXT, "Warnings."),
    }
    | ENVIRONMENT
    | {"agreement": ("object or null", "How well the depth agrees; null if it was not verified.")}
    | below("agreement", AGREEMENT)
    | {
        "compression.format": (TEXT, "jpeg or webp."),
        "compression.quality": ("integer or null", "1 to 100; null: lossless."),
        "compression.sha256": (TEXT, "sha256 of the file without its metadata."),
    }
)
