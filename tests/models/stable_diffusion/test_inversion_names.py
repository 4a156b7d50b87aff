"""Which files a sentence names as learned words: those in the model's folder, then those of the trees."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from depthpaint.core.errors import ErrorCode, ModelError
from depthpaint.models.stable_diffusion.places import embeddings_of, inversion_digests, inversions_in


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The model's own folder, and a tree's."""
    own, tree = tmp_path / "model" / "embeddings", tmp_path / "tree" / "models" / "embeddings"
    (tree / "photo").mkdir(parents=True)
    own.mkdir(parents=True)
    for folder, name in (
        (own, "ink.safetensors"), (own, "My-Style.7.safetensors"), (tree, "wash.safetensors"),
        (tree, "ink.safetensors"), (tree, "bare"), (tree, "old.pt"),
    ):  # fmt: skip
        (folder / name).write_text(f"{name} in {folder.parent.name}")
    monkeypatch.setenv("DEPTHPAINT_MODELS", str(tmp_path / "tree"))
    return own, tree


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("a photo of inks, ../ink2 .. " + "x" * 5000, []),
        ("(wash:1.2) by My-Style.7. And ink, ink", ["wash", "My-Style.7", "ink"]),
        ("embedding:ink", ["ink"]),
        ("ink-, ink.", ["ink"]),
        ("-ink .ink deep-ink ink.old ink-well", []),
        ("a bare house, wash.safetensors", []),
    ],
)
def test_a_sentence_names_files(shelves: tuple[Path, Path], prompt: str, names: list[str]) -> None:
    own, tree = shelves
    places = {"wash": tree / "wash.safetensors"}
    assert inversions_in(prompt, own) == [places.get(name, own / f"{name}.safetensors") for name in names]


def test_they_are_told_with_their_digests(shelves: tuple[Path, Path]) -> None:
    own, tree = shelves
    digest = hashlib.sha256((tree / "wash.safetensors").read_bytes()).hexdigest()
    assert inversion_digests("a wash", own) == {"wash": digest}
    assert inversion_digests("ink", own) != inversion_digests("ink", None), "the model's own word comes first"


def test_a_models_own_words_lie_in_its_folder_or_beside_its_file(shelves: tuple[Path, Path]) -> None:
    own, _ = shelves
    (own.parent / "one.safetensors").touch()
    assert embeddings_of(own.parent) == embeddings_of(own.parent / "one.safetensors") == own


def test_a_pickle_that_is_named_is_refused(shelves: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError) as refused:
        inversions_in("an old house", shelves[0])
    assert refused.value.code is ErrorCode.PICKLE_REFUSED
