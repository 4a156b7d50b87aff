"""A full disk is reported as such, wherever it is noticed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from depthpaint.core.errors import ErrorCode, OutputError
from depthpaint.core.files import make_folder, output_error
from depthpaint.models.hub_download import is_temporary, refusal
from depthpaint.models.hub_files import HubPart
from depthpaint.record.paths import probe

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@pytest.mark.parametrize("number", FULL)
def test_every_place_knows_what_a_full_disk_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    full = OSError(number, os.strerror(number))

    def refuse(*arguments: object, **named: object) -> None:
        raise full

    assert output_error(tmp_path, full).code is ErrorCode.DISK_FULL
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError) as refused:
        probe(tmp_path)
    assert refused.value.code is ErrorCode.DISK_FULL
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError) as refused:
        make_folder(tmp_path / "new")
    assert refused.value.code is ErrorCode.DISK_FULL
    pytest.importorskip("huggingface_hub")
    assert not is_temporary(full)
    assert refusal("it", HubPart("a/b", 1, "MIT"), "", full).code is ErrorCode.DISK_FULL
