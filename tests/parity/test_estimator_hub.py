"""A hub on this machine: what is fetched from it, when, and what its failures are told as."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loopback_hub import COMMIT, Hub, connect_to, empty_cache, serving
from PIL import Image

from depthpaint.core.errors import DepthpaintError, ErrorCode, ModelError
from depthpaint.models.estimators import registry
from depthpaint.models.estimators.estimator import open_folder
from depthpaint.models.estimators.registry import DEPTH_ANYTHING, HubEntry, load_estimator

pytestmark = pytest.mark.filterwarnings("ignore")

TINY = HubEntry("somebody/tiny", 1, "Apache-2.0")


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[type[Hub], str]]:
    """The hub and its address."""
    with serving(folder) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a tiny estimator on the hub."""
    monkeypatch.setitem(registry.ESTIMATORS, "tiny", TINY)
    return empty_cache(tmp_path / "hub", monkeypatch)


@pytest.fixture
def loopback(cache: Path, server: tuple[type[Hub], str], monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    connect_to(server[1], monkeypatch)
    return server[0]


def pull(entry: HubEntry = TINY) -> Path:
    """What `models pull tiny` downloads, if `entry` is its entry."""
    registry.ESTIMATORS["tiny"] = entry
    model = registry.ESTIMATOR_FAMILY.registered("tiny")
    return model.pull(model.parts)[0]


only_here = pytest.mark.allow_hosts(["127.0.0.1"])


@only_here
def test_pull_fetches_safetensors_and_nothing_pickled(loopback: type[Hub], photo: np.ndarray) -> None:
    pulled = pull()
    assert sorted(path.name for path in pulled.iterdir()) == ["config.json", "model.safetensors"]
    assert not any("pytorch_model.bin" in path for path in loopback.asked)
    count = len(loopback.asked)
    estimator = load_estimator("tiny")
    assert estimator.estimate(photo).shape == photo.shape[:2]
    assert (estimator.name, estimator.revision) == ("tiny", COMMIT)
    assert len(loopback.asked) == count, "loading asks nobody"


@only_here
def test_a_pinned_revision_is_the_one_that_is_asked_for(loopback: type[Hub]) -> None:
    pinned = replace(TINY, revision=COMMIT)
    assert pull(pinned).name == COMMIT
    assert any(COMMIT in path for path in loopback.asked)
    assert not any("main" in path for path in loopback.asked)
    assert registry.local_folder("tiny", pinned).name == COMMIT
    with pytest.raises(ModelError) as refused:
        registry.local_folder("tiny", replace(TINY, revision="f" * 40))
    assert refused.value.code is ErrorCode.OFFLINE_MISSING


@only_here
def test_other_weights_than_the_pinned_are_refused(
    loopback: type[Hub], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(replace(TINY, sha256=open_folder(folder).weights_sha256))
    other = replace(TINY, sha256="f" * 64)
    with pytest.raises(ModelError) as refused:
        pull(other)
    assert refused.value.code is ErrorCode.MODEL_HASH_MISMATCH
    monkeypatch.setitem(registry.ESTIMATORS, "tiny", other)
    with pytest.raises(ModelError, match="ffffffffff") as refused:
        load_estimator("tiny")
    assert refused.value.code is ErrorCode.MODEL_HASH_MISMATCH


@pytest.mark.parametrize("lost", ["config.json", "model.safetensors"])
@only_here
def test_what_an_interrupted_download_left_is_not_there(loopback: type[Hub], lost: str) -> None:
    (pull() / lost).unlink()
    with pytest.raises(ModelError, match="models pull tiny") as refused:
        load_estimator("tiny")
    assert refused.value.code is ErrorCode.OFFLINE_MISSING


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ("500", ErrorCode.HUB_UNREACHABLE, "500"),
        ("429", ErrorCode.HUB_UNREACHABLE, "429"),
        ("401", ErrorCode.HUB_AUTH_REQUIRED, "HF_TOKEN"),
        ("403", ErrorCode.HUB_AUTH_REQUIRED, "HF_TOKEN"),
        ("GatedRepo", ErrorCode.HUB_GATED, "accept the terms at http"),
        ("RepoNotFound", ErrorCode.MODEL_NOT_FOUND, "does not have it"),
        ("RevisionNotFound", ErrorCode.MODEL_NOT_FOUND, "no revision main"),
        ("no JSON", ErrorCode.HUB_UNREACHABLE, "HF_ENDPOINT"),
        ("hang up", ErrorCode.HUB_UNREACHABLE, "HF_ENDPOINT"),
    ],
)
@only_here
def test_a_hub_in_trouble_is_one_sentence(
    loopback: type[Hub], trouble: str, code: ErrorCode, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    loopback.trouble = trouble
    with pytest.raises(ModelError) as refused:
        pull()
    assert refused.value.code is code
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


@only_here
def test_a_hub_that_does_not_answer(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect_to("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(ModelError) as refused:
        pull()
    assert refused.value.code is ErrorCode.HUB_UNREACHABLE


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, ErrorCode.DISK_FULL), (errno.EACCES, ErrorCode.OUTPUT_NOT_WRITABLE)],
)
def test_a_cache_that_takes_nothing(
    cache: Path, number: int, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    with pytest.raises(DepthpaintError, match="HF_HOME") as refused:
        pull()
    assert refused.value.code is code


def test_offline_nothing_is_asked_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets are forbidden in this test: a connection would be another error."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE") as refused:
        pull()
    assert refused.value.code is ErrorCode.OFFLINE_MISSING


def test_weights_that_are_not_here_are_never_fetched_unasked(cache: Path) -> None:
    """Sockets are forbidden in this test: a connection would be another error."""
    with pytest.raises(ModelError, match="models pull") as refused:
        load_estimator(DEPTH_ANYTHING)
    assert refused.value.code is ErrorCode.OFFLINE_MISSING


def test_what_is_pinned_is_well_formed() -> None:
    hub_entries = [entry for entry in registry.ESTIMATORS.values() if isinstance(entry, HubEntry)]
    assert len(hub_entries) == 4
    for entry in hub_entries:
        assert entry.revision is None or (len(entry.revision), int(entry.revision, 16) > 0) == (40, True)
        assert entry.sha256 is None or (len(entry.sha256), int(entry.sha256, 16) > 0) == (64, True)
        free = not any(size in entry.repository for size in ("V2-Base", "V2-Large"))
        assert entry.licence.startswith("Apache" if free else "CC-BY-NC")


SOMEWHERE = """
import sys
from dataclasses import replace
from depthpaint.models.estimators import registry
entry = registry.ESTIMATORS[registry.DEPTH_ANYTHING]
registry.ESTIMATORS[registry.DEPTH_ANYTHING] = replace(entry, revision=None, sha256=None)
from depthpaint.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.full
@only_here
def test_processes_connect_for_pull_alone(
    server: tuple[type[Hub], str], tmp_path: Path, photo: np.ndarray
) -> None:
    """The real program and HF_ENDPOINT; only the pins are lifted, since the weights are random ones."""
    Image.fromarray(photo).save(tmp_path / "photo.png")
    environment = {**os.environ, "HF_ENDPOINT": server[1], "HF_HOME": str(tmp_path / "hf")}
    environment.pop("HF_HUB_CACHE", None)

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", SOMEWHERE, *arguments], cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    before = program("inspect", "photo.png", "--from-photo", "--estimator", DEPTH_ANYTHING)
    assert (before.returncode, "models pull" in before.stdout) == (7, True), before
    assert server[0].asked == []
    pulled = program("models", "pull", DEPTH_ANYTHING)
    assert pulled.returncode == 0, pulled
    assert Path(pulled.stdout.strip()).name == COMMIT
    count = len(server[0].asked)
    assert count > 0
    seen = program("inspect", "photo.png", "--estimator", DEPTH_ANYTHING, "--as", "depth.png")
    assert (seen.returncode, seen.stdout.strip()) == (0, "depth.png"), seen
    assert len(server[0].asked) == count
    server[0].trouble = "500"
    (tmp_path / "hf" / "hub").rename(tmp_path / "away")
    lost = program("models", "pull", DEPTH_ANYTHING, "--quiet")
    assert (lost.returncode, lost.stderr.count("\n")) == (7, 1), lost.stderr
