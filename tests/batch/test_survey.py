"""All that is wrong with all rows, before anything is loaded; and how little of them is held."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from batching import in_shards, some_rows, write_rows

from depthpaint.batch.manifest import Manifest
from depthpaint.batch.survey import MOST_LISTED, checked_rows, survey
from depthpaint.core.errors import DepthpaintError, ErrorCode


def told(rows: list[dict[str, object]]) -> list[tuple[int, str]]:
    """The lines and messages of a survey's problems."""
    found = survey(Manifest(write_rows("m.jsonl", rows)), {})
    assert found.bad_rows == len(found.problems)
    return [(problem.line, str(problem.error)) for problem in found.problems]


def test_every_error_of_every_row_at_once(maps: Path) -> None:
    good: dict[str, object] = {"depth": "a.npy", "prompt": "x"}
    found = told([
        good,
        {**good, "seed": -1, "size": "0x1", "stepz": 3},
        {"prompt": "x"},
        {**good, "depth": "gone.npy"},
        {**good, "depth": "-"},
        {**good, "depth": "."},
        {**good, "depth": "a\0b"},
        {**good, "depth": 7},
        {**good, "sampler": "eular"},
        {**good, "model": "nobody"},
        {**good, "name": "../out"},
        {**good, "name": "con"},
        {**good, "name": "a/b"},
    ])  # fmt: skip
    assert [line for line, _ in found] == list(range(2, 14))
    for word in ("seed", "size", "'steps'"):
        assert word in found[0][1]
    says = (
        "depth is missing",
        "gone.npy",
        "standard input",
        "regular file",
        "NUL",
        "depth",
        "euler",
        "nobody",
    )
    for (_, message), word in zip(found[1:], (*says, "../out", "con", "a/b"), strict=True):
        assert word in message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "x"}, {"name": "x"}),
        ({"name": "x"}, {"name": "X"}),
        ({"name": "x"}, {"name": "x.png"}),
        ({"name": "é"}, {"name": unicodedata.normalize("NFD", "É")}),
        ({"name": "x", "count": 2}, {"name": "x-2"}),
    ],
)
def test_two_rows_may_not_have_one_file(
    maps: Path, first: dict[str, object], second: dict[str, object]
) -> None:
    good: dict[str, object] = {"depth": "a.npy", "prompt": "x"}
    ((line, message),) = told([good | first, good | second])
    assert line == 2
    assert "earlier row" in message
    # Shards share the folder, so they are compared over all of them.
    shards = [survey(one, {}) for one in in_shards(Path("m.jsonl"), 2)]
    assert [found.bad_rows for found in shards] == [0, 1]


def test_rows_are_counted_and_of_many_problems_the_first_are_kept(maps: Path) -> None:
    rows = some_rows(7)
    rows[3]["count"] = 5
    found = survey(Manifest(write_rows("m.jsonl", rows)), {})
    assert (found.rows, found.pictures, found.bad_rows) == (7, 11, 0)
    found = survey(Manifest(write_rows("m.jsonl", [{"depth": "gone"}] * 200)), {})
    assert (found.bad_rows, len(found.problems)) == (200, MOST_LISTED)


def test_what_is_set_for_all_holds_where_a_row_says_nothing(maps: Path) -> None:
    rows: list[dict[str, object]] = [
        {"depth": "a.npy", "prompt": "x"},
        {"depth": "a.npy", "prompt": "x", "seed": 0},
    ]
    requests = [one for _, one in checked_rows(Manifest(write_rows("m.jsonl", rows)), {"seed": "7"})]
    assert [None if isinstance(one, DepthpaintError) else one.request.seed for one in requests] == [7, 0]
    found = survey(Manifest(Path("m.jsonl")), {"sead": "7"})
    assert [problem.error.code for problem in found.problems] == [ErrorCode.INVALID_PARAMETER] * 2
    assert "'seed'" in str(found.problems[0].error)


def test_shards_are_all_rows_and_none_twice(maps: Path) -> None:
    path = write_rows("m.jsonl", some_rows(11))
    lines = [[line for line, _ in checked_rows(one, {})] for one in in_shards(path, 3)]
    assert sorted(line for each in lines for line in each) == list(range(1, 12))
    assert [len(each) for each in lines] == [4, 4, 3]


def memory_of(count: int, broken: int = 0) -> int:
    """The peak of a fresh process that surveys as many rows, in bytes; row `broken` lacks its prompt."""
    program = f"""
import itertools, json, resource, sys
from pathlib import Path
from depthpaint.batch.manifest import Manifest
from depthpaint.batch.survey import survey
with Path("many.csv").open("w") as file:
    file.write("depth,prompt,seed,name\\n")
    for k in range({count}):
        row = f"a.npy,a red ball on a floor number {{k}},{{k}},row-{{k}}"
        file.write("a.npy\\n" if k + 1 == {broken} else row + "\\n")
found = survey(Manifest(Path("many.csv")), {{}}, folder=Path("out"))
assert found.rows == {count}
# The header is line 1, so that row n is line n + 1.
assert [problem.line for problem in found.problems] == ([{broken} + 1] if {broken} else [])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.full
def test_rows_are_not_held(maps: Path) -> None:
    assert memory_of(30_000) - memory_of(2_000) < 28_000 * 64


@pytest.mark.full
def test_a_million_rows_of_which_row_500_001_is_broken(maps: Path) -> None:
    assert memory_of(1_000_000, broken=500_001) - memory_of(2_000) < 998_000 * 64


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_broken_row_is_told_by_its_line(maps: Path, kind: str) -> None:
    good, bad = ("a.npy,x\n", "a.npy\n") if kind == "csv" else ('{"depth":"a.npy","prompt":"x"}\n', "{\n")
    with Path(f"m.{kind}").open("w") as file:
        file.write(("depth,prompt\n" if kind == "csv" else "") + good * 3000 + bad)
    (problem,) = survey(Manifest(Path(f"m.{kind}")), {}).problems
    assert problem.line == (3002 if kind == "csv" else 3001)


def test_of_many_unknown_fields_a_few_are_named(maps: Path) -> None:
    row: dict[str, object] = {
        "depth": "a.npy",
        "prompt": "x",
        "seed": -1,
        **{f"field{k}": k for k in range(2000)},
    }
    found = survey(Manifest(write_rows("m.jsonl", [row])), {})
    told = str(found.problems[0].error)
    assert told.count("there is no field '") == 5
    assert "1,995 more" in told
    assert "seed" in told
