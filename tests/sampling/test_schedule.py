"""Noise tables and schedules."""

from __future__ import annotations

import math
import sys
from subprocess import run

import numpy as np
import pytest

from depthpaint.core.errors import ParameterError
from depthpaint.sampling.levels import (
    CLEAN,
    TERMINAL_FLOOR,
    NoiseLevel,
    NoiseTable,
    betas_named,
    scaled_linear_alphas,
    scaled_linear_betas,
)
from depthpaint.sampling.schedule import (
    SCHEDULES,
    Schedule,
    karras,
    leading,
    linspace,
    schedule_named,
    steps_left,
    trailing,
)

TABLE = NoiseTable.from_betas(scaled_linear_betas())
ZERO = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True)
EXACT_ZERO = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True, terminal_floor=0.0)


def test_stable_diffusion_numbers() -> None:
    # The ends that the field knows by heart: k-diffusion's sigma_min 0.0292 and sigma_max 14.6146.
    assert TABLE.count == 1000
    np.testing.assert_allclose(TABLE.ratios[[0, -1]], [0.0292, 14.6146], rtol=2e-3)
    np.testing.assert_array_equal(TABLE.alphas_cumprod, scaled_linear_alphas())


def test_zero_terminal_snr_keeps_the_first_level() -> None:
    assert ZERO.alphas_cumprod[0] == pytest.approx(TABLE.alphas_cumprod[0], rel=1e-12)
    assert ZERO.alphas_cumprod[-1] == TERMINAL_FLOOR
    assert EXACT_ZERO.level(999) == NoiseLevel(0.0, 1.0, 999.0)
    assert EXACT_ZERO.level(999).ratio == math.inf
    assert EXACT_ZERO.level(999).half_log_snr == -math.inf
    assert CLEAN.half_log_snr == math.inf


@pytest.mark.parametrize("table", [TABLE, ZERO, EXACT_ZERO])
@pytest.mark.parametrize("timestep", [0, 0.25, 1, 17.5, 500, 998, 998.75])
def test_timestep_and_noise_are_inverse(table: NoiseTable, timestep: float) -> None:
    level = table.level(timestep)
    assert level.alpha**2 + level.sigma**2 == pytest.approx(1.0, abs=1e-12)
    assert table.timestep_of(level.ratio) == pytest.approx(timestep, abs=1e-6)


def test_timestep_of_ratios_outside_the_table_is_its_end() -> None:
    assert TABLE.timestep_of(0.0) == 0.0
    assert TABLE.timestep_of(1e-9) == 0.0
    assert TABLE.timestep_of(1e9) == 999.0


@pytest.mark.parametrize("name", list(SCHEDULES))
@pytest.mark.parametrize("table", [TABLE, ZERO, EXACT_ZERO])
@pytest.mark.parametrize("steps", [2, 3, 7, 16, 30, 333])
def test_every_schedule_falls_to_clean(name: str, table: NoiseTable, steps: int) -> None:
    schedule = schedule_named(name)(table, steps)
    assert schedule.steps == steps
    assert schedule.sigmas.shape == (steps + 1,)
    assert schedule.timesteps.shape == (steps,)
    assert np.all(np.diff(schedule.sigmas) < 0.0)
    assert schedule.levels[-1] == CLEAN
    assert all(type(level.alpha) is float for level in schedule.levels)


def test_known_spacings() -> None:
    assert trailing(TABLE, 4).timesteps.tolist() == [999, 749, 499, 249]
    assert leading(TABLE, 4).timesteps.tolist() == [751, 501, 251, 1]
    assert linspace(TABLE, 4).timesteps.tolist() == [999, 666, 333, 0]
    assert trailing(TABLE, 1).timesteps.tolist() == linspace(TABLE, 1).timesteps.tolist() == [999]
    assert trailing(TABLE, 16).steps == 16
    np.testing.assert_allclose(karras(TABLE, 3).sigmas[[0, 2]], TABLE.ratios[[-1, 0]])
    assert karras(TABLE, 5).rounded().timesteps.tolist() == [round(t) for t in karras(TABLE, 5).timesteps]


@pytest.mark.parametrize(("name", "steps"), [(name, 0) for name in SCHEDULES] + [("leading", 1)])
def test_too_few_steps_are_refused(name: str, steps: int) -> None:
    with pytest.raises(ParameterError, match=str(steps)):
        schedule_named(name)(TABLE, steps)


@pytest.mark.parametrize(
    "name", ["trailing", "leading", "linspace", "leading-multistep", "linspace-multistep"]
)
def test_too_many_steps_are_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="1001"):
        schedule_named(name)(TABLE, 1001)
    assert schedule_named(name)(TABLE, 499).steps == 499


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="trailling") as caught:
        schedule_named("trailling")
    assert "trailing" in str(caught.value.remedy)
    with pytest.raises(ParameterError):
        betas_named("square", 0.1, 0.2, 10)


@pytest.mark.parametrize("alphas", [[0.5], [0.5, 0.5], [0.1, 0.9], [1.0, 0.5], [0.5, -0.1], [math.nan, 0.1]])
def test_impossible_tables_are_refused(alphas: list[float]) -> None:
    with pytest.raises(ParameterError):
        NoiseTable(np.array(alphas))


def test_impossible_levels_are_refused() -> None:
    with pytest.raises(ParameterError):
        NoiseLevel(0.5, 0.5, 0.0)
    with pytest.raises(ParameterError):
        Schedule((CLEAN,))
    with pytest.raises(ParameterError):
        TABLE.level(1000)


def test_sampling_imports_no_array_library_but_numpy() -> None:
    program = (
        "import sys, depthpaint.sampling, depthpaint.core.noise; "
        "heavy = {'torch', 'diffusers', 'onnxruntime', 'pydantic', 'PIL', 'scipy'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    finished = run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_early_is_trailing_squeezed_into_the_noisiest_part() -> None:
    table = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True)
    assert list(SCHEDULES["early"](table, 4).timesteps) == [999, 899, 799, 699]
    assert SCHEDULES["early"](table, 1).timesteps[0] == 999
    assert SCHEDULES["early"](table, 8).timesteps[-1] > 600


@pytest.mark.parametrize(
    ("steps", "share", "left"),
    [
        (2, 0.6, 2),
        (2, 0.5, 1),
        (10, 0.7, 7),
        (10, 0.71, 8),
        (20, 0.5, 10),
        (4, 1.0, 4),
        (50, 0.001, 1),
        (1, 0.2, 1),
    ],
)
def test_the_last_steps_of_a_run_rounded_up(steps: int, share: float, left: int) -> None:
    whole = trailing(TABLE, steps)
    assert steps_left(steps, share) == left
    assert whole.tail(share).levels == whole.levels[steps - left :]
