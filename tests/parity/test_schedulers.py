"""Every sampler against diffusers' scheduler of that name: same noise, same fake model, every step.

diffusers computes in float32, this side in float64, so the limit is a float32 one. A spoiled twin, with
another schedule or another prediction, has to fail the same check, in every case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.noise import NoiseDraws
from depthpaint.sampling.drive import Evaluate, Sampling, drive
from depthpaint.sampling.guidance import Prediction, denoised_from
from depthpaint.sampling.levels import NoiseTable, betas_named, scaled_linear_betas
from depthpaint.sampling.samplers import ddim, sampler_named
from depthpaint.sampling.schedule import Schedule, schedule_named

torch: Any = pytest.importorskip("torch")
diffusers: Any = pytest.importorskip("diffusers")

# diffusers hands tensors to numpy in the way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")

Values = NDArray[np.float64]
SHAPE, SEED = (1, 4, 6, 5), 12345
LIMIT = 1e-4
# From pure noise the Euler family of theirs loses digits in float32: latents of up to 4096 * 4 are subtracted
# from each other, whose neighbours in float32 lie 2^-10 apart. Two roundings, whose luck differs by CPU.
PURE_NOISE_LIMIT = 2 * 2**-10
# There their DDIM takes the root of 1 - alpha' - std^2, which is 0 at eta 1 and on some CPUs rounded to less:
# not a number.
PURE_NOISE_ETA = 0.999
BETAS: dict[str, Any] = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
# Their latents are noise + clean with the noise at full size, ours are those times alpha.
VARIANCE_EXPLODING = {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler"}


@dataclass(frozen=True)
class Pair:
    sampler: str
    scheduler: str
    schedules: tuple[str, ...]
    predictions: tuple[Prediction, ...] = ("epsilon", "v_prediction", "sample")
    zero_snr: bool = True
    eta: float = 0.0

    @property
    def multistep(self) -> bool:
        return self.scheduler in {"DPMSolverMultistepScheduler", "UniPCMultistepScheduler"}


PLAIN = ("trailing", "leading", "linspace")
MULTISTEP = ("trailing", "leading-multistep", "linspace-multistep", "karras", "exponential")
# diffusers' DDIM steps by T // steps whatever the spacing says, so its linspace is not one schedule.
PAIRS = (
    Pair("euler", "EulerDiscreteScheduler", (*PLAIN, "karras", "exponential")),
    Pair("euler-ancestral", "EulerAncestralDiscreteScheduler", PLAIN, ("epsilon", "v_prediction")),
    Pair("heun", "HeunDiscreteScheduler", (*PLAIN, "karras", "exponential"), zero_snr=False),
    Pair("dpm++-2m", "DPMSolverMultistepScheduler", MULTISTEP),
    Pair("ddim", "DDIMScheduler", ("trailing", "leading")),
    Pair("ddim", "DDIMScheduler", ("trailing", "leading"), eta=1.0),
    Pair("unipc", "UniPCMultistepScheduler", MULTISTEP),
)


def cases() -> list[Any]:
    found: list[Any] = []
    for pair in PAIRS:
        for schedule in pair.schedules:
            for steps in (1, 2, 5, 20):
                if steps == 1 and schedule != "trailing" and not pair.multistep:
                    continue  # theirs begins at timestep 1 or 0, where nothing is left to do
                for prediction in pair.predictions:
                    for zero_snr in (False, True) if pair.zero_snr else (False,):
                        if zero_snr and prediction == "epsilon":
                            continue  # the noise says nothing at pure noise
                        name = f"{pair.sampler}-eta{pair.eta:g}-{schedule}-{steps}-{prediction}-{zero_snr}"
                        found.append(pytest.param(pair, schedule, steps, prediction, zero_snr, id=name))
    return found


def fake_model(latents: Values, timestep: float) -> Values:
    return 0.7 * np.sin(1.3 * latents + 0.002 * timestep) + 0.2 * latents


def our_table(pair: Pair, zero_snr: bool) -> NoiseTable:
    floor = {"terminal_floor": 0.0} if pair.scheduler == "DDIMScheduler" else {}
    return NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=zero_snr, **floor)


def our_run(pair: Pair, schedule: Schedule, prediction: Prediction) -> list[Values]:
    """The latents after every evaluation."""
    draws = NoiseDraws(SHAPE, SEED)

    def noise(number: int) -> Values:
        return draws(number).astype(np.float64)

    sampling: Sampling[Values] = (
        ddim(noise(0), schedule.levels, noise, eta=pair.eta)
        if pair.eta > 0.0
        else sampler_named(pair.sampler).start(noise(0), schedule.levels, noise)
    )
    seen: list[Values] = []

    def denoise(request: Evaluate[Values]) -> Values:
        seen.append(request.latents)
        output = fake_model(request.latents, request.level.timestep)
        return denoised_from(prediction, output, request.latents, request.level)

    final = drive(sampling, denoise)
    return [*seen[1:], final]


def their_scheduler(pair: Pair, schedule: str, prediction: Prediction, zero_snr: bool) -> Any:
    options: dict[str, Any] = {**BETAS, "prediction_type": prediction, "steps_offset": 1}
    if schedule in {"karras", "exponential"}:
        options[f"use_{schedule}_sigmas"] = True
    else:
        options["timestep_spacing"] = schedule.removesuffix("-multistep")
    if zero_snr:
        options["rescale_betas_zero_snr"] = True
    if pair.scheduler == "DDIMScheduler":
        options["clip_sample"] = False
    return getattr(diffusers, pair.scheduler)(**options)


def their_run(pair: Pair, scheduler: Any, steps: int, schedule: Schedule) -> list[Values]:
    generator = torch.Generator().manual_seed(SEED)
    latents = torch.randn(SHAPE, generator=generator)
    exploding = pair.scheduler in VARIANCE_EXPLODING
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    if exploding:
        latents = latents * float(np.hypot(1.0, float(scheduler.sigmas[0])))
    extra: dict[str, Any] = {"eta": pair.eta, "generator": generator} if pair.sampler == "ddim" else {}
    if pair.sampler == "euler-ancestral":
        extra["generator"] = generator
    seen: list[Values] = []
    for index, timestep in enumerate(scheduler.timesteps):
        # Their multistep solvers cut fractions of timesteps off; the noise levels are compared, not that
        # habit.
        told = float(schedule.timesteps[index]) if pair.multistep else float(timestep)
        scaled = scheduler.scale_model_input(latents, timestep)
        output = torch.from_numpy(fake_model(scaled.numpy().astype(np.float64), told)).to(torch.float32)
        latents = scheduler.step(output, timestep, latents, **extra).prev_sample
        length = float(np.hypot(1.0, float(scheduler.sigmas[index + 1]))) if exploding else 1.0
        seen.append(latents.numpy().astype(np.float64) / length)
    return seen


def worst(ours: Sequence[Values], theirs: Sequence[Values]) -> float:
    """The largest difference of any step, relative to the largest value of that step (at least 1)."""
    if len(ours) != len(theirs):
        return float("inf")
    return max(
        float(np.abs(a - b).max() / max(1.0, float(np.abs(b).max())))
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(("pair", "schedule", "steps", "prediction", "zero_snr"), cases())
def test_every_step_equals_diffusers(
    pair: Pair, schedule: str, steps: int, prediction: Prediction, zero_snr: bool
) -> None:
    if zero_snr and pair.eta == 1:
        pair = replace(pair, eta=PURE_NOISE_ETA)
    levels = schedule_named(schedule)(our_table(pair, zero_snr), steps)
    scheduler = their_scheduler(pair, schedule, prediction, zero_snr)
    theirs = their_run(pair, scheduler, steps, levels)
    lossy = zero_snr and pair.scheduler in VARIANCE_EXPLODING
    assert worst(our_run(pair, levels, prediction), theirs) < (PURE_NOISE_LIMIT if lossy else LIMIT)

    spoiled: Prediction = "sample" if prediction != "sample" else "v_prediction"
    assert worst(our_run(pair, levels, spoiled), theirs) > 100 * LIMIT
    other = "trailing" if schedule == "karras" else "karras"
    if steps > 2:
        elsewhere = schedule_named(other)(our_table(pair, zero_snr), steps)
        assert worst(our_run(pair, elsewhere, prediction), theirs) > 100 * LIMIT


@pytest.mark.parametrize("name", ["trailing", "leading", "linspace", "karras", "exponential"])
@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("steps", [2, 5, 20, 50])
def test_sigmas_and_timesteps_equal_diffusers_euler(name: str, zero_snr: bool, steps: int) -> None:
    pair = PAIRS[0]
    ours = schedule_named(name)(our_table(pair, zero_snr), steps)
    scheduler = their_scheduler(pair, name, "v_prediction", zero_snr)
    scheduler.set_timesteps(steps)
    # Between timesteps theirs is straight in sigma and ours in log(sigma): 3e-4 apart where the table is
    # coarsest.
    np.testing.assert_allclose(ours.sigmas, scheduler.sigmas.numpy(), rtol=4e-4)
    np.testing.assert_allclose(ours.timesteps, scheduler.timesteps.numpy(), atol=0.02)


@pytest.mark.parametrize("name", ["trailing", "leading-multistep", "linspace-multistep", "karras"])
@pytest.mark.parametrize("steps", [1, 2, 5, 20, 50])
def test_whole_timesteps_equal_diffusers_multistep(name: str, steps: int) -> None:
    pair = PAIRS[3]
    ours = schedule_named(name)(our_table(pair, False), steps).rounded()
    scheduler = their_scheduler(pair, name, "epsilon", False)
    scheduler.set_timesteps(steps)
    assert ours.timesteps.tolist() == scheduler.timesteps.tolist()


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "squaredcos_cap_v2"])
@pytest.mark.parametrize("zero_snr", [False, True])
def test_noise_tables_equal_diffusers(name: str, zero_snr: bool) -> None:
    theirs = diffusers.EulerDiscreteScheduler(
        beta_schedule=name, beta_start=0.00085, beta_end=0.012, rescale_betas_zero_snr=zero_snr
    )
    ours = NoiseTable.from_betas(betas_named(name, 0.00085, 0.012, 1000), rescale_zero_snr=zero_snr)
    # Absolute, because float32 loses the last few levels of the cosine, which are below 1e-7.
    np.testing.assert_allclose(ours.alphas_cumprod, theirs.alphas_cumprod.numpy(), atol=1e-6)
    assert ours.alphas_cumprod[-1] == 2.0**-24 or not zero_snr
