"""docs/reference/errors.md: every error code with its meaning, exit status and HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

from depthpaint.core.errors import STATUSES, ErrorCode
from reference_pages.layout import items, page_of

HEAD = """Everything that depthpaint refuses is a `DepthpaintError` with a `code`, a message that says what
happened and where, and a `remedy`. Codes are stable: they are in JSON documents, in
`failures.jsonl` of a [batch](manifest.md), and in [Python](python.md). A command prints message and
remedy in one line on stderr and ends with the code's exit status; `--debug` adds a traceback. A
command that did its work for some of its pictures only ends with 4. For programs that offer
depthpaint over HTTP, `error.http_status` is the status of a response."""
TITLES: Mapping[int, str] = {
    1: "Internal", 2: "Usage", 3: "Input", 5: "Models", 6: "Resources", 7: "Network", 8: "Output refused",
    130: "Interrupted",
}  # fmt: skip
MEANINGS: Mapping[ErrorCode, str] = {
    ErrorCode.INVALID_PARAMETER: "A setting, option, column or file name has an impossible value, does not "
    "exist, or contradicts another; or a package of an extra is not installed.",
    ErrorCode.DEPTH_UNREADABLE: "The depth file does not exist, is no regular file, or is damaged.",
    ErrorCode.DEPTH_TRUNCATED: "The depth file ends too early.",
    ErrorCode.DEPTH_UNSUPPORTED_FORMAT: "The file is in a format that is not read.",
    ErrorCode.DEPTH_BAD_SHAPE: "The file holds no map: too small, several arrays, or not two-dimensional.",
    ErrorCode.DEPTH_BAD_DTYPE: "The file holds something else than real numbers.",
    ErrorCode.DEPTH_NOT_FINITE: "No pixel holds a finite number.",
    ErrorCode.DEPTH_CONSTANT: "The map is the same everywhere, or has two levels only. "
    "`--allow-constant` and `--near` accept it.",
    ErrorCode.DEPTH_AMBIGUOUS: "What the file means is not certain enough; the remedy names the option that "
    "settles it, such as `--near`.",
    ErrorCode.DEPTH_TOO_LARGE: "The map has more pixels than `--max-pixels`, or more bytes than its size "
    "allows.",
    ErrorCode.DEPTH_MISSING: "A request to the server has no depth map.",
    ErrorCode.PICKLE_REFUSED: "The file is a pickle, or contains one, and could run code; it was not read.",
    ErrorCode.MODEL_NOT_FOUND: "There is no model, control network, LoRA or estimator of that name or path.",
    ErrorCode.MODEL_TRUNCATED: "A file of weights ends too early or is damaged.",
    ErrorCode.MODEL_HASH_MISMATCH: "A file of weights has another digest than expected.",
    ErrorCode.MODEL_INCOMPATIBLE: "Parts do not belong together, cannot do what is wanted, or need a package "
    "that is not installed.",
    ErrorCode.HUB_UNREACHABLE: "The hub cannot be reached, or does not answer in time.",
    ErrorCode.HUB_AUTH_REQUIRED: "The hub wants an access token, or refuses the one in use.",
    ErrorCode.HUB_GATED: "The model's terms have to be accepted on its page first.",
    ErrorCode.OFFLINE_MISSING: "The model is not on this machine; nothing is downloaded but by "
    "`depthpaint models pull`.",
    ErrorCode.SAMPLER_NOT_FOUND: "A client of the server named an unknown sampler.",
    ErrorCode.SCHEDULER_NOT_FOUND: "A client of the server named an unknown schedule.",
    ErrorCode.SCRIPT_NOT_FOUND: "A client of the server turned on a script that is not supported.",
    ErrorCode.MODULE_NOT_FOUND: "A client of the server named an unknown ControlNet module.",
    ErrorCode.NOT_FOUND: "The server has no such route, job or picture.",
    ErrorCode.UNAUTHORIZED: "The server wants an API key, or another one.",
    ErrorCode.HOST_NOT_ALLOWED: "The server is not known by the name in the request: `--allow-host`.",
    ErrorCode.ORIGIN_NOT_ALLOWED: "A page of another web site called the server: `--allow-origin`.",
    ErrorCode.METHOD_NOT_ALLOWED: "The server's route has other methods; `Allow` lists them.",
    ErrorCode.BODY_TOO_LARGE: "The request to the server is larger than it allows.",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The request to the server has another type than JSON, or a form.",
    ErrorCode.QUEUE_FULL: "Too many requests wait at the server. `Retry-After` says when to come again.",
    ErrorCode.NOT_READY: "The Ray cluster cannot be reached, or a node of it was lost; or the server has to "
    "be restarted.",
    ErrorCode.DRAINING: "The server is stopping.",
    ErrorCode.TIMEOUT: "The request to the server was not complete in time, or painting made no progress.",
    ErrorCode.CANCELLED: "Ctrl-C. A batch can be continued with the same command.",
    ErrorCode.OUT_OF_MEMORY: "There is not enough memory. Use a smaller size.",
    ErrorCode.DISK_FULL: "The disk is full, or a quota is used up.",
    ErrorCode.OUTPUT_NOT_WRITABLE: "The output folder, or a file in it, cannot be written.",
    ErrorCode.OUTPUT_EXISTS: "A file is in the place of an output and is not replaced without "
    "`--overwrite`, or is an input, or another program's.",
    ErrorCode.OUTPUT_LOCKED: "Another batch writes to the same folder.",
    ErrorCode.OUTPUT_PATH_ESCAPE: "A name of an output contains a folder.",
    ErrorCode.PICTURE_REFUSED: "The model's safety checker refused the picture.",
    ErrorCode.PICTURE_UNREADABLE: "A picture cannot be read: it is missing, damaged, too small, or no "
    "picture.",
    ErrorCode.RECORD_MISSING: "The picture has no record: another program wrote it, or the record was "
    "removed.",
    ErrorCode.RECORD_DAMAGED: "The record of a picture, or a ledger, is damaged or of a later version.",
    ErrorCode.INTERNAL: "A bug in depthpaint. Please report it.",
}


def page() -> str:
    """The page: a section for each exit status."""
    sections: list[str] = []
    for status, title in TITLES.items():
        rows = [
            f"`{code}` (HTTP {http}): {MEANINGS[code]}"
            for code, (each, http) in STATUSES.items()
            if each == status
        ]
        sections.append(f"## Exit status {status}: {title}\n\n{items(rows)}")
    return page_of("Errors", HEAD, *sections)
