"""Samplers as generators, what drives them, guidance, control window, parameterisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from depthpaint.core.errors import ParameterError
from depthpaint.core.noise import NoiseDraws, standard_normal
from depthpaint.sampling.drive import Evaluate, Sampling, drive, drive_together
from depthpaint.sampling.guidance import (
    PREDICTIONS,
    Branch,
    ControlWindow,
    Guidance,
    Prediction,
    denoised_from,
    noise_from,
    prediction_named,
)
from depthpaint.sampling.levels import NoiseLevel, NoiseTable, scaled_linear_betas
from depthpaint.sampling.samplers import SAMPLERS, ddim, euler_ancestral, noised, sampler_named
from depthpaint.sampling.schedule import karras, trailing

Values = NDArray[np.float32]
TABLE = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True)
SHAPE = (4, 6, 5)


def denoise(request: Evaluate[Values]) -> Values:
    return request.latents * np.float32(0.3) + np.float32(request.level.timestep / 3000)


def begin(name: str, seed: int, steps: int, shape: tuple[int, ...] = SHAPE) -> Sampling[Values]:
    draws = NoiseDraws(shape, seed)
    return sampler_named(name).start(draws(0), trailing(TABLE, steps).levels, draws)


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_float32_stays_float32_and_the_first_latents_are_not_touched(name: str) -> None:
    draws = NoiseDraws(SHAPE, 1)
    latents = draws(0)
    before = latents.copy()
    final = drive(sampler_named(name).start(latents, trailing(TABLE, 5).levels, draws), denoise)
    assert final.dtype == np.float32
    assert np.array_equal(latents, before)


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_numpy_and_torch_paint_the_same(name: str) -> None:
    torch: Any = pytest.importorskip("torch")
    draws, levels = NoiseDraws(SHAPE, 2), karras(TABLE, 7).levels

    def torch_noise(number: int) -> Any:
        return torch.from_numpy(draws(number))

    def torch_denoise(request: Evaluate[Any]) -> Any:
        return request.latents * 0.3 + request.level.timestep / 3000

    ours = drive(sampler_named(name).start(draws(0), levels, draws), denoise)
    theirs: Any = drive(sampler_named(name).start(torch_noise(0), levels, torch_noise), torch_denoise)
    assert theirs.dtype == torch.float32
    np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-5)


@pytest.mark.parametrize("name", list(SAMPLERS))
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_asks_as_often_as_the_table_says(name: str, steps: int) -> None:
    asked: list[Evaluate[Values]] = []
    drive(begin(name, 0, steps), denoise, lambda request, _: asked.append(request))
    spec = sampler_named(name)
    # Heun: the step from pure noise and the one to clean take a single evaluation.
    expected = steps if spec.evaluations_per_step == 1 else max(steps, 2 * steps - 2)
    assert len(asked) == expected
    assert sorted({request.index for request in asked}) == list(range(steps))
    assert all(request.steps == steps and 0.0 <= request.fraction < 1.0 for request in asked)
    assert asked[0].fraction == 0.0


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_a_picture_in_company_is_the_picture_alone(name: str) -> None:
    calls: list[int] = []

    def denoise_many(requests: Sequence[Evaluate[Values]]) -> list[Values]:
        calls.append(len(requests))
        assert len({request.latents.shape for request in requests}) == 1
        return [denoise(request) for request in requests]

    plan = [(0, 3, SHAPE), (1, 5, SHAPE), (2, 4, (4, 2, 2)), (12345, 5, SHAPE)]
    together = drive_together([begin(name, seed, steps, shape) for seed, steps, shape in plan], denoise_many)
    for (seed, steps, shape), final in zip(plan, together, strict=True):
        assert np.array_equal(final, drive(begin(name, seed, steps, shape), denoise))
    assert max(calls) == 3


def test_samplers_of_different_kinds_run_together() -> None:
    def denoise_many(requests: Sequence[Evaluate[Values]]) -> list[Values]:
        return [denoise(request) for request in requests]

    names = list(SAMPLERS)
    together = drive_together([begin(name, 4, 6) for name in names], denoise_many)
    for name, final in zip(names, together, strict=True):
        assert np.array_equal(final, drive(begin(name, 4, 6), denoise))


def test_another_seed_is_another_picture() -> None:
    assert not np.allclose(
        drive(begin("euler", 0, 4), denoise), drive(begin("euler", 1, 4), denoise), atol=0.1
    )


def test_what_on_step_raises_ends_the_run_and_closes_the_samplers() -> None:
    samplings = [begin("euler", seed, 5) for seed in range(2)]

    def cancel(_picture: int, request: Evaluate[Values], denoised: Values) -> None:
        del denoised
        if request.index == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive_together(samplings, lambda requests: [denoise(request) for request in requests], cancel)
    for sampling in samplings:
        with pytest.raises(StopIteration):
            next(sampling)


def test_a_stop_iteration_in_the_model_is_not_taken_for_the_end() -> None:
    def broken(request: Evaluate[Values]) -> Values:
        raise StopIteration

    with pytest.raises(StopIteration):
        drive(begin("euler", 0, 3), broken)


def test_a_missing_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        drive_together([begin("euler", 0, 3)], lambda _requests: [])


def test_euler_is_ddim_and_ancestral_is_ddim_with_eta_1() -> None:
    draws, levels = NoiseDraws(SHAPE, 3), trailing(TABLE, 6).levels
    assert np.array_equal(drive(begin("euler", 3, 6), denoise), drive(begin("ddim", 3, 6), denoise))
    ancestral = drive(euler_ancestral(draws(0), levels, draws), denoise)
    assert np.array_equal(ancestral, drive(ddim(draws(0), levels, draws, eta=1.0), denoise))
    assert not np.allclose(ancestral, drive(ddim(draws(0), levels, draws, eta=0.5), denoise), atol=1e-2)


def test_fresh_noise_is_numbered_by_step_and_not_wasted_on_the_last() -> None:
    asked: list[int] = []

    def noise(number: int) -> Values:
        asked.append(number)
        return standard_normal(SHAPE, number)

    drive(euler_ancestral(noise(0), trailing(TABLE, 4).levels, noise), denoise)
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize(("eta", "given"), [(0.5, False), (1.5, True), (-0.1, True)])
def test_impossible_eta_is_refused(eta: float, given: bool) -> None:
    draws = NoiseDraws(SHAPE, 0)
    with pytest.raises(ParameterError, match=str(eta)):
        ddim(draws(0), trailing(TABLE, 4).levels, draws if given else None, eta=eta)


def test_ancestral_without_noise_is_refused_and_wrong_names_are_answered() -> None:
    with pytest.raises(ParameterError, match="noise"):
        sampler_named("euler-ancestral").start(standard_normal(SHAPE, 0), trailing(TABLE, 4).levels)
    with pytest.raises(ParameterError, match="dpmpp_2m") as caught:
        sampler_named("dpmpp_2m")
    assert "dpm++-2m" in str(caught.value.remedy)


@pytest.mark.parametrize("prediction", list(PREDICTIONS.values()))
def test_predictions_lead_back_to_the_clean_latents(prediction: Prediction) -> None:
    clean, noise = standard_normal(SHAPE, 1).astype(np.float64), standard_normal(SHAPE, 2).astype(np.float64)
    level = TABLE.level(321)
    latents = clean * level.alpha + noise * level.sigma
    output = {
        "epsilon": noise,
        "v_prediction": noise * level.alpha - clean * level.sigma,
        "sample": clean,
    }[prediction]
    denoised = denoised_from(prediction, output, latents, level)
    np.testing.assert_allclose(denoised, clean, atol=1e-12)
    np.testing.assert_allclose(noise_from(denoised, latents, level), noise, atol=1e-12)
    assert prediction_named(prediction) == prediction


def test_pure_noise_v_is_minus_clean_and_epsilon_is_refused() -> None:
    level, ones = NoiseLevel(0.0, 1.0, 999.0), np.ones(3)
    assert denoised_from("v_prediction", -ones, ones * 5.0, level).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ParameterError, match="zero terminal SNR"):
        denoised_from("epsilon", ones, ones, level)


@pytest.mark.parametrize(
    ("guidance", "fraction", "expected"),
    [
        (Guidance(7.5), 0.0, ("uncond", "cond")),
        (Guidance(7.5), 1.0, ("uncond", "cond")),
        (Guidance(1.0), 0.5, ("cond",)),
        (Guidance(0.0), 0.5, ("uncond",)),
        (Guidance(-1.0), 0.5, ("uncond", "cond")),
        (Guidance(7.5, 0.2, 0.8), 0.1, ("cond",)),
        (Guidance(7.5, 0.2, 0.8), 0.2, ("uncond", "cond")),
        (Guidance(7.5, 0.2, 0.8), 0.8, ("cond",)),
        (Guidance(0.0, 0.2, 0.8), 0.9, ("cond",)),
    ],
)
def test_guidance_calls_only_what_it_needs(
    guidance: Guidance, fraction: float, expected: tuple[Branch, ...]
) -> None:
    assert guidance.branches(fraction) == expected


def test_guidance_scale_1_is_off_and_0_is_the_negative_sentence() -> None:
    negative, sentence = np.array([2.0, -1.0]), np.array([5.0, 3.0])
    assert Guidance(1.0).combine(negative, sentence).tolist() == sentence.tolist()
    assert Guidance(0.0).combine(negative, sentence).tolist() == negative.tolist()
    assert Guidance(2.0).merge({"uncond": negative, "cond": sentence}).tolist() == [8.0, 7.0]
    assert Guidance(1.0).merge({"cond": sentence}) is sentence
    assert Guidance(0.0).merge({"uncond": negative}) is negative


@pytest.mark.parametrize(
    "values",
    [(float("nan"), 0.0, 1.0), (float("inf"), 0.0, 1.0), (7.5, 0.6, 0.4), (7.5, -0.1, 1.0), (7.5, 0.0, 1.1)],
)
def test_impossible_guidance_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ParameterError):
        Guidance(*values)


@pytest.mark.parametrize(
    ("window", "steps", "expected"),
    [
        (ControlWindow(), 4, [0, 1, 2, 3]),
        (ControlWindow(0.0, 0.6), 20, list(range(12))),
        (ControlWindow(0.0, 0.3), 10, [0, 1, 2]),
        (ControlWindow(0.25, 0.75), 4, [1, 2]),
        (ControlWindow(0.3, 1.0), 4, [2, 3]),
        (ControlWindow(0.0, 0.0), 4, []),
        (ControlWindow(0.0, 0.9), 1, []),
    ],
)
def test_control_window(window: ControlWindow, steps: int, expected: list[int]) -> None:
    assert [index for index in range(steps) if window.open_at(index, steps)] == expected
    assert [index for index in range(steps) if window.runs(index, steps, 0.5)] == expected
    assert not any(window.runs(index, steps, 0.0) for index in range(steps))


@pytest.mark.parametrize("values", [(0.6, 0.4), (-0.1, 1.0), (0.0, 1.1), (float("nan"), 1.0)])
def test_impossible_windows_are_refused(values: tuple[float, float]) -> None:
    with pytest.raises(ParameterError):
        ControlWindow(*values)


def test_consistency_sampling_keeps_what_is_seen_and_draws_fresh_noise() -> None:
    levels = trailing(TABLE, 3).levels
    seen = np.full(SHAPE, 0.5, np.float32)
    asked: list[np.ndarray] = []

    def denoise(request: Evaluate[np.ndarray]) -> np.ndarray:
        asked.append(request.latents)
        return seen

    draws = NoiseDraws(SHAPE, 3)
    assert np.array_equal(drive(sampler_named("lcm").start(draws(0), levels, draws), denoise), seen)
    expected = levels[1].alpha * seen + levels[1].sigma * draws(1)
    assert np.allclose(asked[1], expected, atol=1e-6)


def test_a_start_is_clean_latents_with_noise_to_the_level() -> None:
    clean, noise = np.full(SHAPE, 2.0, np.float32), standard_normal(SHAPE, 3)
    level = NoiseLevel(0.6, 0.8, 500.0)
    start = noised(clean, noise, level)
    assert start.dtype == np.float32
    np.testing.assert_allclose(start, 0.6 * clean + 0.8 * noise, rtol=1e-6)
    table = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True)
    assert noised(clean, noise, table.level(999)) is noise, "nothing of the picture is left"
