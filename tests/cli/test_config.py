"""The user's own defaults: each takes effect, options win, nothing else reads them, bad files are refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from depthpaint.cli import painting
from depthpaint.cli.config import KEYS, MOST_BYTES
from depthpaint.model_choice import ModelChoice
from depthpaint.models import registry
from depthpaint.models.diorama.family import DIORAMA_FAMILY
from depthpaint.models.painter import ModelEntry, Runtime
from depthpaint.models.registered import ModelFamily
from depthpaint.record.picture_file import read_record
from depthpaint.report.recipe import recipe
from depthpaint.request import Request

Run = Callable[..., tuple[int, str, str]]
Write = Callable[[str], Path]
PAINT = ("generate", "depth.npy", "a ball", "--steps", 1)


@pytest.fixture
def write(cli: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a config file for the commands of the test; there is a second model "other"."""
    assert cli

    def found(choice: ModelChoice) -> ModelEntry | None:
        return DIORAMA_FAMILY.find(ModelChoice()) if choice.model == "other" else None

    other = ModelFamily(("other",), DIORAMA_FAMILY.registered, found)
    monkeypatch.setattr(registry, "FAMILIES", (*registry.FAMILIES, other))

    def written(text: str) -> Path:
        path = work / "config.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("DEPTHPAINT_CONFIG", str(path))
        return path

    return written


@pytest.fixture
def runtimes(cli: Run, monkeypatch: pytest.MonkeyPatch) -> list[Runtime | None]:
    """The runtime of each engine that is made."""
    assert cli
    made: list[Runtime | None] = []
    make_engine = painting.make_engine

    def noted(runtime: Runtime | None = None) -> object:
        made.append(runtime)
        return make_engine(runtime)

    monkeypatch.setattr(painting, "make_engine", noted)
    return made


def test_each_key_takes_effect_and_the_record_holds_it(
    cli: Run, work: Path, write: Write, runtimes: list[Runtime | None]
) -> None:
    write('model = "other"\nout = "mine"\ndevice = "cpu"\nprecision = "fp32"\nthreads = 3\n')
    status, out, err = cli(*PAINT)
    assert status == 0, err
    assert Path(out.strip()).parent == Path("mine")
    record = read_record(work / out.strip())
    assert record.settings.model == "other"
    assert "--model=other" in recipe(record)
    assert runtimes == [Runtime("cpu", "fp32", threads=3)]


def test_options_win(cli: Run, work: Path, write: Write, runtimes: list[Runtime | None]) -> None:
    write('model = "other"\nout = "mine"\ndevice = "cpu"\nthreads = 3\n')
    _, out, _ = cli(*PAINT, "--model", "diorama", "--out", "there", "--device", "auto", "--threads", 0)
    assert Path(out.strip()).parent == Path("there")
    assert read_record(work / out.strip()).settings.model == "diorama"
    assert runtimes == [Runtime()]


def test_rows_and_set_win_over_it_in_a_batch(cli: Run, work: Path, write: Write) -> None:
    write('model = "other"\nout = "mine"\n')
    (work / "rows.csv").write_text("depth,prompt,seed,model\ndepth.npy,a,1,\ndepth.npy,b,2,diorama\n")

    def models(*arguments: object) -> list[str]:
        status, out, err = cli("batch", "rows.csv", *arguments)
        assert status == 0, err
        records = [read_record(Path(path)) for path in out.splitlines()]
        return [record.settings.model for record in sorted(records, key=lambda one: one.settings.prompt)]

    assert models() == ["other", "diorama"]
    assert (work / "mine").is_dir()
    assert models("--out", "again", "--set", "model=diorama") == ["diorama", "diorama"]


@pytest.mark.full
def test_studies_and_the_interactive_mode_use_it(
    cli: Run, work: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('model = "other"\nestimator = "fake"\nout = "mine"\n')
    status, _, err = cli("study", "aspect", "depth.npy", "a", "--ratios", "1:1", "--seeds", 2)
    assert status == 0, err
    picture = next((work / "aspect-study" / "pictures").glob("*.png"))
    assert read_record(picture).settings.model == "other"
    monkeypatch.setattr("sys.stdin", io.StringIO("depth.npy\na red ball\n"))
    out = cli()[1].strip()
    assert Path(out).parent == Path("mine")
    assert read_record(work / out).settings.model == "other"


def test_the_estimator_is_used_where_a_picture_is_verified_and_verifies_none_by_itself(
    cli: Run, work: Path, write: Write
) -> None:
    write('estimator = "fake"\n')
    out = cli(*PAINT)[1].strip()
    assert read_record(work / out).agreement is None
    row = json.loads(cli("verify", out, "--json")[1])["images"][0]
    assert row["estimator"] == "fake"
    verified = cli(*PAINT, "--verify", "--name", "verified")[1].strip()
    agreement = read_record(work / verified).agreement
    assert agreement is not None and agreement.estimator == "fake"


def test_replay_and_python_do_not_read_it(
    cli: Run, work: Path, write: Write, runtimes: list[Runtime | None]
) -> None:
    out = cli(*PAINT)[1].strip()
    text = recipe(read_record(work / out))
    assert "--model=diorama" in text, "a config file may have another default"
    config = write('model = "other"\nout = "mine"\nthreads = 3\n')
    runtimes.clear()
    assert "bit-equal" in cli("replay", out, "--out", "again")[1]
    assert runtimes == [Runtime()]
    (again,) = (work / "again").glob("*.png")
    assert read_record(again).settings.model == "diorama"
    config.write_text("no toml")
    assert "bit-equal" in cli("replay", out)[1]
    assert cli("inspect", "depth.npy")[0] == 0
    request = Request(depth=work / "depth.npy", prompt="a", num_inference_steps=1)
    assert painting.make_engine().prepare(request).plan.settings.model == "diorama"


def test_an_empty_variable_wins_over_the_users_file(
    cli: Run, work: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write('out = "mine"\n')
    users = work / "home" / "depthpaint" / "config.toml"
    users.parent.mkdir(parents=True)
    path.rename(users)

    def config_dir(name: str, appauthor: bool) -> str:
        assert not appauthor
        return str(work / "home" / name)

    monkeypatch.setattr("platformdirs.user_config_dir", config_dir)
    monkeypatch.delenv("DEPTHPAINT_CONFIG")
    assert cli("config", "--path")[1].strip() == str(users)
    assert cli(*PAINT)[1].startswith("mine/")
    monkeypatch.setenv("DEPTHPAINT_CONFIG", "")
    assert cli(*PAINT)[1].startswith("output_images/")
    assert "none, because DEPTHPAINT_CONFIG is empty" in cli("config")[1]
    assert cli("config", "--path")[0] == 2
    monkeypatch.delenv("DEPTHPAINT_CONFIG")
    users.unlink()
    assert cli(*PAINT)[1].startswith("output_images/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('modle = "x"', "'modle' is not a key, did you mean 'model'?"),
        ('output = "x"', "'output' is not a key, did you mean 'out'?"),
        ('device = "gpu"', "device = \"gpu\": it must be 'auto', 'cpu', 'cuda' or 'mps'; for example"),
        ("threads = 257", "threads = 257: "),
        ('threads = "2"', 'threads = "2": '),
        ("threads = true", "threads = true: "),
        (f"threads = 0x{'f' * 5000}", "threads: "),
        (f"threads = {'9' * 5000}", "is not TOML: "),
        ("out = 3", "out = 3: "),
        ('out = " "', "must not be empty"),
        ('model = "\\u0000"', "NUL"),
        ("[model]\na = 1", "model: "),
        ('a = 1\nmodel = "x', "line 2"),
        ('out = "a"\nout = "b"', "line 2"),
        ("a = " + "[" * 50_000, "nested too deeply"),
        ("#" * (MOST_BYTES + 1), "too large"),
        ('model = "sd99"', "model is set in"),
    ],
    ids=range(17),
)
def test_what_is_wrong_in_the_file_is_one_line_that_names_it(
    cli: Run, write: Write, text: str, message: str
) -> None:
    path = write(text)
    status, out, err = cli(*PAINT)
    assert status == (5 if "sd99" in text else 2)
    assert out == ""
    assert message in err and str(path) in err
    assert err.count("\n") == 1 and len(err) < 1000


def test_what_is_no_text_file_is_refused_with_the_reason(cli: Run, write: Write) -> None:
    path = write("")
    path.write_bytes(b'device = "cpu"\nout = "\xff"\n')
    assert "line 2, is not UTF-8" in cli(*PAINT)[2]
    path.unlink()
    status, _, err = cli(*PAINT)
    assert status == 2 and "there is no such file" in err, "the environment names it"
    assert "(does not exist)" in cli("config")[1]
    path.mkdir()
    assert "it is a folder" in cli(*PAINT)[2]
    path.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        status, _, err = cli(*PAINT)
        assert status == 2 and "it is a pipe" in err
    assert cli("generate", "--help")[0] == 0, "help is shown whatever the file is"


def test_config_shows_what_holds_and_where_it_comes_from(cli: Run, write: Write) -> None:
    path = write("threads = 2\n")
    status, out, err = cli("config")
    assert (status, err) == (0, "")
    assert str(path) in out and "does not exist" not in out and "Example" not in out
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines()[2:]}
    assert tuple(lines) == KEYS
    assert lines["threads"] == ["2", "config", "file"]
    assert lines["model"] == ["diorama", "built", "in"]
    document = json.loads(cli("config", "--json")[1])
    assert document["path"] == str(path) and document["exists"] is True
    assert document["values"]["threads"] == {"value": 2, "source": "config file"}
    assert document["values"]["out"] == {"value": "output_images", "source": "built in"}
    path.write_text("x = 1")
    assert cli("config")[0] == 2
    assert cli("config", "--path")[1].strip() == str(path)


def test_the_example_is_a_config_file(cli: Run, write: Write) -> None:
    path = write("")
    path.unlink()
    example = cli("config")[1].split("Example of a config file:")[1]
    write("\n".join(line.removeprefix("# ") for line in example.splitlines()))
    values = json.loads(cli("config", "--json")[1])["values"]
    assert {each["source"] for each in values.values()} == {"config file"}
    assert values["out"]["value"] == str(Path.home() / "Pictures/depthpaint")


def test_help_and_the_doctor_name_it(cli: Run, write: Write) -> None:
    assert cli("doctor")[1].count("config file") == 0
    path = write('model = "other"\n')
    assert "Your config file: other." in " ".join(cli("generate", "--help")[1].split())
    assert f"config file: {path}, ok" in cli("doctor")[1]
    path.write_text("x = 1")
    assert "'x' is not a key" in cli("doctor")[1]
    assert json.loads(cli("doctor", "--json")[1])["config"]["ok"] is False


def test_help_reads_no_config_file_and_loads_nothing_for_it() -> None:
    code = (
        "import sys; from depthpaint.cli.main import run\n"
        "try: run(['--help'])\nexcept SystemExit: pass\n"
        "sys.stderr.write(','.join({'numpy', 'pydantic', 'tomllib', 'platformdirs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "config" in done.stdout
    assert done.stderr == ""


def test_the_tests_read_no_config_file_of_the_developer() -> None:
    assert os.environ["DEPTHPAINT_CONFIG"] == ""
