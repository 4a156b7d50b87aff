"""The keys of every JSON document: type and meaning. tests/cli/test_json_page.py compares real documents.

In a path, `[]` is each element of a list, and `*` any key.
"""

from __future__ import annotations

Keys = dict[str, tuple[str, str]]

TEXT, NUMBER, INTEGER, BOOLEAN = "text", "number", "integer", "true or false"


def below(prefix: str, keys: Keys) -> Keys:
    """The keys of an object that lies at `prefix`."""
    return {f"{prefix}.{name}": value for name, value in keys.items()}


SCORES: Keys = {
    "depth_agreement": (NUMBER, "-1 to 1; the score to read first: correlation of the slopes of both maps."),
    "mirrored_agreement": (NUMBER, "-1 to 1; the same with the requested map mirrored left to right."),
    "rank_correlation": (NUMBER, "-1 to 1; Spearman's correlation of near and far."),
    "detail_correlation": (NUMBER, "-1 to 1; that of each pixel's depth relative to its surroundings."),
    "affine_rmse": (NUMBER, "Root mean square error after a scale and a shift, in disparity of 0 to 1."),
    "rmse_8bit": (NUMBER, "Root mean square error without alignment, both maps stretched to 0 to 255."),
    "abs_rel": (NUMBER, "Mean of |error| / requested disparity, after the alignment."),
    "delta_1_25": (NUMBER, "0 to 1; share of pixels that are less than a factor of 1.25 off."),
    "edge_f_score": (NUMBER, "0 to 1; F-score of the steepest tenth of the pixels."),
    "estimator": (TEXT, "The estimator of the picture's depth."),
}
AGREEMENT: Keys = SCORES | {
    "tries": (INTEGER, "The number of the seed that was kept, 1 for the first."),
    "most_tries": (INTEGER, "How many seeds could be tried; 1 if none was chosen."),
    "least": (
        f"{NUMBER} or null",
        "The depth agreement at which trying stops; null: the best is kept.",
    ),
    "first_seed": (f"{INTEGER} or null", "The seed of the first try; null if none was chosen."),
}
PLAN: Keys = {
    "model": (TEXT, "Name of the model."),
    "seeds[]": (INTEGER, "Seed of each picture."),
    "prompts[]": (TEXT, "The prompt of each picture, with what the model added to it."),
    "prediction": (TEXT, "What the network predicts: epsilon, v_prediction or sample."),
    "timesteps[]": (NUMBER, "Time of each step, 0 to 999."),
    "sigmas[]": (f"{NUMBER} or {TEXT}", 'Noise over signal of each step, then 0; "inf" for noise alone.'),
    "sizes.depth_size": (TEXT, "Size of the depth map, in pixels, like 640x480; the next four likewise."),
    "sizes.content_size": (TEXT, "Size at which the picture is painted ([sizes](../explanation/sizes.md))."),
    "sizes.canvas_size": (TEXT, "Size of the network's input: the content, padded."),
    "sizes.latent_size": (TEXT, "Size of the canvas in latents."),
    "sizes.output_size": (TEXT, "Size of the picture's file."),
    "sizes.content_box[]": (INTEGER, "Left, top, right and bottom of the content on the canvas, in pixels."),
    "inversions.*": (TEXT, "sha256 of each textual inversion in the prompts, by its name."),
    "warnings[]": (TEXT, "Settings without effect, and what else to know about the picture."),
} | below("settings", {"*": ("see [Settings](settings.md)", "Each setting of the first picture, resolved.")})
ERROR: Keys = {
    "error": (TEXT, "Only after an error: its [code](errors.md)."),
    "why": (TEXT, "Only after an error: the message."),
}

GENERATE: Keys = {
    "images[].path": (TEXT, "Path of the picture."),
    "images[].seed": (INTEGER, "Its seed."),
    "images[].width": (INTEGER, "Pixels."),
    "images[].height": (INTEGER, "Pixels."),
    "images[].sha256": (TEXT, "Digest of the pixels, hexadecimal."),
    "images[].warnings[]": (TEXT, "Notes on the depth map and warnings of the plan."),
    "images[].seconds": (NUMBER, "Time of painting, in seconds."),
    "images[].earlier": (BOOLEAN, "Only if true: the picture was there already and was not painted again."),
} | below("images[].agreement", AGREEMENT) | below("plan", PLAN)  # fmt: skip

VERIFY: Keys = {
    "images[].path": (TEXT, "Path of the picture."),
    "images[].depth": (TEXT, "Path of the depth map that it is compared with."),
    "images[].reading": (TEXT, "How that map was read: as recorded, anew, or from the file alone."),
    "images[].near": (TEXT, "Its near end: white or black."),
    "images[].kind": (TEXT, "Its numbers: disparity or distance."),
    "images[].map": (TEXT, "Only with --maps: path of the comparison image."),
    "images[].clip": (TEXT, "Only with --clip: name of the CLIP."),
    "images[].clip_score": (NUMBER, "Only with --clip, for a recorded prompt: 100 times the cosine."),
    "images[].clip_iqa": (NUMBER, "Only with --clip: quality, 0 to 1."),
    "summary.pictures": (INTEGER, "Only for several pictures: how many have scores."),
    "summary.depth_agreement_median": (NUMBER, "Median of the depth agreements."),
    "summary.depth_agreement_5th_percentile": (NUMBER, "Their 5th percentile."),
    "summary.rank_correlation_median": (NUMBER, "Median of the rank correlations."),
    "summary.rank_correlation_5th_percentile": (NUMBER, "Their 5th percentile."),
    "summary.detail_correlation_median": (NUMBER, "Median of the detail correlations."),
    "wrong_map_below": (NUMBER, "Of wrong maps, 95 % have a lower depth agreement."),
} | below("images[]", SCORES | ERROR)  # fmt: skip

REPLAY: Keys = {
    "images[].path": (TEXT, "Path of the picture."),
    "images[].verdict": (f"{TEXT} or null", "bit-equal, within-tolerance or different; null after an error."),
    "images[].why": (TEXT, "The reason, or the message of the error."),
    "images[].psnr": (f"{NUMBER} or null", "Peak signal-to-noise ratio to the first picture, in dB."),
    "images[].largest_difference": (f"{INTEGER} or null", "Largest difference of a pixel, of 255."),
    "images[].error": ERROR["error"],
}

INSPECT: Keys = {
    "files[].path": (TEXT, "Path of the depth map."),
    "files[].format": (TEXT, "Format, by content."),
    "files[].size": (TEXT, "Width and height in pixels, like 640x480."),
    "files[].bits": (INTEGER, "Bits per number in the file."),
    "files[].bits_used": (INTEGER, "Bits that its different numbers need."),
    "files[].levels": (INTEGER, "How many different numbers there are."),
    "files[].range[]": (NUMBER, "Smallest and greatest valid number, as stored."),
    "files[].used_range[]": (NUMBER, "The part of it that spans far to near."),
    "files[].colour_map": (TEXT, "Colour map, or how depth is packed in colours."),
    "files[].near": (TEXT, "Near end: white or black."),
    "files[].kind": (TEXT, "disparity or distance."),
    "files[].unit": (f"{TEXT} or null", "Unit, stated or likely; null if it is not known."),
    "files[].metres": (f"{NUMBER} or null", "Metres of one stored step, as stated."),
    "files[].metres_per_step": (f"{NUMBER} or null", "The same, as stated or as is likely."),
    "files[].frame": ("object or null", "Box of the map; null if nothing around it was cut off."),
    "files[].frame.left": (INTEGER, "Pixels; the next three likewise, right and bottom excluded."),
    "files[].frame.top": (INTEGER, ""),
    "files[].frame.right": (INTEGER, ""),
    "files[].frame.bottom": (INTEGER, ""),
    "files[].frame.what": (TEXT, "What was cut off."),
    "files[].holes": ("object or null", "Pixels without depth; null if there are none."),
    "files[].holes.fill": (TEXT, "What they are filled with: inpaint, far or free."),
    "files[].holes.meaning": (TEXT, "How many there are, and what they mean."),
    "files[].holes.why": (TEXT, "The evidence."),
    "files[].invalid": (NUMBER, "0 to 1; their share of the map."),
    "files[].confidence.*": (NUMBER, "0 to 1; confidence of each conclusion, by its aspect."),
    "files[].evidence.*": (TEXT, "Evidence of each conclusion, by its aspect."),
    "files[].certain": (BOOLEAN, "Whether the near end is certain enough for painting."),
    "files[].estimator": (TEXT, 'For photos: the depth estimator; else "".'),
    "files[].sha256": (TEXT, "Digest of the file, hexadecimal."),
    "files[].notes[]": (TEXT, "Remarks on the file."),
    "files[].advice[]": (TEXT, "How the map can be improved; after an error its message first."),
    "files[].error": ERROR["error"],
    "files[].written": (TEXT, "Only with --as: path of the written depth."),
}

BATCH: Keys = {
    "rows": (INTEGER, "Rows of the manifest, or of the shard."),
    "pictures": (INTEGER, "Pictures that they ask for."),
    "bad_rows": (INTEGER, "Rows that cannot be painted."),
    "failures[].line": (INTEGER, "Line, row or pair, counted from 1. The first failures are listed."),
    "failures[].code": (TEXT, "The [code](errors.md) of its error."),
    "failures[].message": (TEXT, "The message."),
    "painted": (INTEGER, "Pictures painted by this run; not with --dry-run, nor are the next two."),
    "there": (INTEGER, "Pictures that were there already."),
    "failed": (INTEGER, "Pictures that failed."),
    "contact_sheets[]": (TEXT, "Only with --grid: paths of the contact sheets."),
    "agreement.median": (NUMBER, "Only if pictures are verified: median of the depth agreements."),
    "agreement.5th_percentile": (NUMBER, "Their 5th percentile."),
    "agreement.below": (INTEGER, "Pictures below --min-agreement."),
}
