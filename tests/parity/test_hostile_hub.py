"""Hubs that lie, break or are not there: nothing is written outside the cache, and each is one line."""

from __future__ import annotations

import errno
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from huggingface_hub import constants
from loopback_hub import COMMIT, Hub, connect_to, empty_cache, serving

from depthpaint.core.errors import DepthpaintError, ErrorCode
from depthpaint.models import hub
from depthpaint.models.hub_files import HubPart

pytestmark = [
    pytest.mark.full,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.allow_hosts(["127.0.0.1"]),
]

WEIGHTS = "model.safetensors"
PART = HubPart("somebody/tiny", 1, "MIT", (WEIGHTS,))
UP = "../../../../../escaped"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / WEIGHTS).write_bytes(os.urandom(300_000))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_cache(tmp_path / "a" / "b" / "c" / "home" / "hub", monkeypatch)


@pytest.fixture
def server(published: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    with serving(published) as (handler, address):
        connect_to(address, monkeypatch)
        yield handler


def fetch() -> Path:
    return hub.pull("the model tiny", PART, "name a folder")


def refusal(act: Callable[[], object] = fetch) -> DepthpaintError:
    with pytest.raises(DepthpaintError) as refused:
        act()
    assert "\n" not in str(refused.value)
    return refused.value


def written(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()}


@pytest.mark.parametrize(
    "field",
    [
        {"tag": UP}, {"tag": "ANYWHERE/escaped"}, {"tag": ".."}, {"tag": "a/../../" + UP},
        {"commit": UP}, {"commit": "../" * 7 + "escaped"}, {"commit": ".hidden"},
        {"listed": [UP + ".json"]}, {"listed": ["/etc/escaped.json"]}, {"listed": ["a/../../../x.json"]},
        {"listed": ["..\\..\\x.json"]},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("listed", [True, False], ids=["a hub id", "a preset"])
def test_no_answer_leads_out_of_the_cache(
    server: type[Hub], tmp_path: Path, cache: Path, field: dict[str, Any], listed: bool
) -> None:
    for name, value in field.items():
        # An absolute path, but one that a failing test may write to.
        absolute = str(value).replace("ANYWHERE", str(tmp_path))
        setattr(server, name, absolute if isinstance(value, str) else value)
    before = written(tmp_path)
    told = refusal(
        (lambda: hub.part_on_hub("the model tiny", PART.repository, ""))
        if listed and "tag" not in field
        else fetch
    )
    assert told.code is ErrorCode.HUB_UNREACHABLE
    assert "do not trust this hub" in str(told)
    assert all(Path(name).is_relative_to(cache.relative_to(tmp_path)) for name in written(tmp_path) - before)
    assert not list(cache.rglob("*escaped*"))


@pytest.mark.parametrize("tag", ["0" * 40, "a" * 64, "33a64df5-5", "686897696a7c876b7e.2"])
def test_the_tags_of_hubs_and_mirrors_are_taken(server: type[Hub], published: Path, tag: str) -> None:
    # One tag for all files would make them one.
    (published / "config.json").write_bytes((published / WEIGHTS).read_bytes())
    server.tag = tag
    assert fetch().name == COMMIT


def test_a_body_that_ends_too_early_is_no_file(server: type[Hub]) -> None:
    server.trouble = "short"
    told = refusal()
    assert told.code is ErrorCode.HUB_UNREACHABLE
    server.trouble = ""
    assert (fetch() / WEIGHTS).stat().st_size == 300_000


def test_other_bytes_than_the_tag_tells_are_refused_where_they_are_pinned(
    server: type[Hub], published: Path
) -> None:
    from dataclasses import replace

    from depthpaint.core.files import sha256_of

    pinned = replace(PART, sha256={WEIGHTS: sha256_of(published / WEIGHTS)})
    server.trouble = "other bytes"
    told = refusal(lambda: hub.pull("the model tiny", pinned, ""))
    assert told.code is ErrorCode.MODEL_HASH_MISMATCH


def test_a_name_that_is_not_known(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def unknown(host: object, *arguments: object, **options: object) -> object:
        asked.append(host)
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    connect_to("http://no-such-hub.invalid", monkeypatch)
    told = refusal()
    assert (told.code, "HF_ENDPOINT" in str(told)) == (ErrorCode.HUB_UNREACHABLE, True)
    assert any("no-such-hub.invalid" in str(host) for host in asked), "the resolver was asked"


def test_a_certificate_that_nobody_vouches_for(
    published: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", "key.pem", "-out", "certificate.pem"], cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")

    def wrap(plain: socket) -> socket:
        return context.wrap_socket(plain, server_side=True)

    with serving(published, wrap) as (handler, address):
        connect_to(address, monkeypatch)
        told = refusal()
        assert handler.asked == []
    assert (told.code, "HF_ENDPOINT" in str(told)) == (ErrorCode.HUB_UNREACHABLE, True)


@pytest.mark.parametrize("trouble", ["429", "500", "503", "hang up"])
def test_a_hub_is_asked_again_as_often_as_there_are_pauses(
    server: type[Hub], trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("depthpaint.models.hub_download.PAUSES", (0.25, 0.75))
    monkeypatch.setattr("depthpaint.models.hub_download.time.sleep", slept.append)
    server.trouble = trouble
    assert refusal().code is ErrorCode.HUB_UNREACHABLE
    assert [pause for pause in slept if pause in (0.25, 0.75)] == [0.25, 0.75]


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
def test_the_times_of_the_environment_are_kept_to(server: type[Hub], tmp_path: Path, name: str) -> None:
    """The real program; a hub that falls silent is given up long before it would speak again."""
    server.trouble = "stall" if name == "HF_HUB_ETAG_TIMEOUT" else "half, then silence"
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_CACHE"} | {
        "HF_ENDPOINT": constants.ENDPOINT, "HF_HOME": str(tmp_path / "hf"), "NO_COLOR": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1",
    }  # fmt: skip
    code = (
        "import sys\nfrom depthpaint.models import hub_download\nhub_download.PAUSES = ()\n"
        "from depthpaint.cli.main import run\nsys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "models", "pull", PART.repository, "-q"], env=environment,
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (7, 1), done.stderr
    assert server.asked
    assert not server.waited_out


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_may_not_be_written_to(server: type[Hub], cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o500)
    told = refusal()
    assert (told.code, "HF_HOME" in str(told)) == (ErrorCode.OUTPUT_NOT_WRITABLE, True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts file systems of their own in memory, with these options, where this may be done."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        done = (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
            )
            if sys.platform == "linux" and shutil.which("mount")
            else None
        )
        if done is None or done.returncode:
            pytest.skip("no file system may be mounted here: it takes root on Linux, and CAP_SYS_ADMIN")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)


def test_a_full_disk_is_told_and_mended_by_room(
    server: type[Hub], small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small_disk("size=128k")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub"))
    told = refusal()
    assert (told.code, "HF_HOME" in str(told)) == (ErrorCode.DISK_FULL, True)
    subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)
    assert (fetch() / WEIGHTS).stat().st_size == 300_000


def test_a_disk_that_is_read_only(
    server: type[Hub], small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small_disk("size=1m")
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub"))
    told = refusal()
    assert (told.code, "HF_HOME" in str(told)) == (ErrorCode.OUTPUT_NOT_WRITABLE, True)


def test_a_cache_on_another_file_system(
    server: type[Hub], small_disk: Callable[[str], Path], published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small_disk("size=8m")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(place / "hub"))
    assert (fetch() / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()


def test_a_cache_without_links(server: type[Hub], published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT, on some network folders, and on Windows without the right to make them."""

    def none(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("os.symlink", none)
    monkeypatch.setattr("os.link", none)
    folder = fetch()
    assert (folder / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()
    assert hub.local_folder("the model tiny", PART, "") == folder


def test_half_a_file_of_a_killed_download_is_finished(
    server: type[Hub], cache: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process leaves: a started blob, and locks that nobody holds."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 14)
    server.trouble = "cut"
    refusal()
    assert not [file for file in cache.rglob("*") if file.name == WEIGHTS]
    server.trouble = ""
    assert (fetch() / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()
    assert not list(cache.rglob("*.incomplete"))


@pytest.mark.parametrize("trouble", ["endless text", "endless error"])
def test_an_answer_without_end_is_not_held(server: type[Hub], trouble: str) -> None:
    server.trouble = trouble
    with pytest.raises(DepthpaintError, match="bytes of text") as refused:
        fetch()
    assert refused.value.code is ErrorCode.HUB_UNREACHABLE
    assert server.sent["endless"] < 64 << 20


def test_a_listing_of_any_number_of_files_is_refused(server: type[Hub]) -> None:
    server.listed = [f"file-{k}" for k in range(12_000)]  # listed twice: with the repository, and as its tree
    with pytest.raises(DepthpaintError, match="20,000 files") as refused:
        fetch()
    assert refused.value.code is ErrorCode.HUB_UNREACHABLE
    server.listed = server.listed[:5_000]
    assert (fetch() / WEIGHTS).exists()
