from __future__ import annotations

import getpass
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import depthpaint
from depthpaint.record.sections import VERSIONS, environment


def test_names_versions_and_machine() -> None:
    found = environment()
    assert found.keys() == {*VERSIONS, "system", "machine", "cpu_count", "cpu"}
    assert found["depthpaint"] == depthpaint.__version__
    assert found["onnxruntime"] == metadata.version("onnxruntime")
    assert found["pillow"] == metadata.version("pillow")
    assert int(found["cpu_count"]) >= 1
    assert all(found.values())


def test_names_no_person_host_or_folder() -> None:
    told = list(environment().values())
    assert platform.node() not in told
    assert getpass.getuser() not in told
    assert not any(str(Path.home()) in value or str(Path.cwd()) in value for value in told)


def test_asking_loads_no_runtime() -> None:
    code = (
        "import sys; from depthpaint.record.sections import environment; environment(); "
        "print({'onnxruntime', 'torch', 'PIL'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
