"""docs/reference/json.md: the JSON documents of the commands, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reference_pages import document_keys, machine_keys, study_keys
from reference_pages.document_keys import Keys
from reference_pages.layout import items, page_of, paragraph

HEAD = """With `--json` a command prints one document on stdout: an object in one line of ASCII. Keys are
stable: new ones may be added, and none changes its meaning. In the lists below `images[].path` is
the key `path` of each object in the list `images`, and `*` stands for any key. Numbers are finite;
infinity is the text "inf".

`verify`, `replay`, `inspect` and `batch` name the files or rows with an error in their document.
Any other error prints one line on stderr instead of a document. The [exit status](errors.md) is the
same as without `--json`."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document: the command that prints it, what is worth knowing about it, and its keys."""

    command: str
    text: str
    keys: Keys


DOCUMENTS: Mapping[str, Document] = {
    each.command: each
    for each in (
        Document(
            "generate",
            "Printed at the end, also after an error or an interruption: then it has the pictures that "
            "were saved. `--dry-run --json` prints `plan` alone.",
            document_keys.GENERATE,
        ),
        Document("verify", "What the scores mean: [verification](../explanation/verification.md).",
                 document_keys.VERIFY),
        Document("replay", "", document_keys.REPLAY),
        Document(
            "inspect",
            "A file that cannot be read has `path`, `error` and `advice` only.",
            document_keys.INSPECT,
        ),
        Document("batch", "", document_keys.BATCH),
        Document("models list", "Each list has an object for each model.", machine_keys.MODELS_LIST),
        Document(
            "models show",
            "Which keys there are depends on the model: the keys from `base` on are those of models that are "
            "downloaded; `words` and `facts` those of models in the package.",
            machine_keys.MODELS_SHOW,
        ),
        Document("models pull", "", machine_keys.MODELS_PULL),
        Document("models verify", "", machine_keys.MODELS_VERIFY),
        Document("doctor", "", machine_keys.DOCTOR),
        Document("config", "", machine_keys.CONFIG),
        Document(
            "study aspect",
            "A study writes its document as `study.json` in its folder. An interval is the median of `count` "
            "measurements with the bounds of its 95 % confidence interval.",
            study_keys.ASPECT,
        ),
        Document("study strength", "", study_keys.STRENGTH),
        Document("study latency", "", study_keys.LATENCY),
        Document(
            "bench",
            "Always printed. Timings are in seconds. Which keys there are depends on what is timed.",
            study_keys.BENCH,
        ),
        Document(
            "record",
            "The record of a picture, which is inside its file; with `--sidecar` it is a file of its own. "
            "Only JPEG and WebP have `compression`. Records with `schema_version` 2 and 3 are read.",
            study_keys.RECORD,
        ),
    )
}  # fmt: skip


def page() -> str:
    """The page: a section for each document."""
    return page_of("JSON documents", HEAD, *(_section(each) for each in DOCUMENTS.values()))


def _section(document: Document) -> str:
    rows = (f"`{path}` ({kind}): {text}" if text else f"`{path}` ({kind})"
            for path, (kind, text) in document.keys.items())  # fmt: skip
    parts = [f"## {document.command}", paragraph(document.text) if document.text else "", items(rows)]
    return "\n\n".join(part for part in parts if part)
