"""What is started by `running` ends with it, processes that have lost their parent included."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from running import running

HANGING = "import time; time.sleep(600)"

ORPHANING = f"""
import subprocess, sys
from pathlib import Path

start = '''
import subprocess, sys
orphan = subprocess.Popen([sys.executable, "-c", {HANGING!r}], start_new_session=True)
print(orphan.pid)
'''
subprocess.run([sys.executable, "-c", start], stdout=open("pid", "w"))
Path("pid").rename("orphan")
{HANGING}
"""


def test_a_program_that_hangs_is_killed_and_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="had not ended after 1 s"),
        running([sys.executable, "-c", HANGING], seconds=1, stdout=subprocess.PIPE) as process,
    ):
        process.communicate()
    assert process.returncode != 0


def test_a_process_that_lost_its_parent_is_killed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running([sys.executable, "-c", ORPHANING]) as process:
        while process.poll() is None and not Path("orphan").exists():
            time.sleep(0.05)
        orphan = psutil.Process(int(Path("orphan").read_text()))
        assert orphan.is_running()
    assert process.returncode != 0
    with suppress(psutil.NoSuchProcess):  # it may stay as a zombie where nobody reaps it
        assert orphan.status() == psutil.STATUS_ZOMBIE
