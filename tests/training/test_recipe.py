"""The recipe on a dwarf's budget: it learns, it resumes, its encoder is what it claims to be."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from depthpaint.models.diorama.files import FOLDER
from depthpaint.sampling.table import NoiseTable, scaled_linear_betas
from depthpaint.training import recipe
from depthpaint.training.autoencoder import folded_encoder, solve_encoder
from depthpaint.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from depthpaint.training.course import DECIDING, FROM_NOISE, FROM_WEIGHTS, Moment
from depthpaint.training.diffusion import alphas_cumprod, noised, picture_weight
from depthpaint.training.examples import Batch, Examples, as_network_input, build_empty_prompt, worn
from depthpaint.training.export import WEIGHTS, blend, load_export
from depthpaint.training.networks import build_autoencoder, build_networks
from depthpaint.training.tokenizer import MAX_TOKENS, build_tokenizer
from depthpaint.training.worlds import shards
from depthpaint.training.worlds.shards import LARGE, SMALL, load_shard, make_shard, render_shard, shard_file


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "worlds").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "make_shard", partial(make_shard, count=8))
        for area in (SMALL, LARGE):
            render_shard(folder / "worlds", 0, area)
    return folder


def test_training_learns_and_resumes_where_it_was(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "BATCH", {SMALL: 4, LARGE: 4})
    list(recipe.train(data, minutes=0.1))
    networks = recipe.build_networks()
    modules: dict[str, torch.nn.Module] = {"unet": networks.unet}
    progress = load_checkpoint(data / "checkpoint", modules, {})
    assert progress.steps > 1
    assert progress.samples == 4 * progress.steps
    spent = progress.seconds / 60
    again = list(recipe.train(data, minutes=min(0.1, spent)))
    assert again == []
    assert load_checkpoint(data / "checkpoint", modules, {}) == progress, "a spent budget trains no further"
    list(recipe.train(data, minutes=spent + 0.05))
    assert load_checkpoint(data / "checkpoint", modules, {}).steps > progress.steps


def test_a_checkpoint_restores_weights_and_moments(tmp_path: Path) -> None:
    def made() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
        module = torch.nn.Linear(3, 2)
        return module, torch.optim.AdamW(module.parameters(), lr=0.1)

    module, optimizer = made()
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path, {"m": module}, {"o": optimizer}, Progress(5, 80, 1.5))
    other, fresh = made()
    assert load_checkpoint(tmp_path, {"m": other}, {"o": fresh}) == Progress(5, 80, 1.5)
    for trained, with_optimizer in ((module, optimizer), (other, fresh)):
        with_optimizer.zero_grad()
        trained(torch.ones(1, 3)).square().sum().backward()
        with_optimizer.step()
    assert torch.equal(module.weight, other.weight), (
        "the next step is the same only if the moments came along"
    )


def test_the_solved_encoder_beats_a_mean_colour_code_and_has_unit_variance() -> None:
    autoencoder = build_autoencoder()
    pictures = as_network_input(make_shard(0, count=64).picture)
    solve_encoder(autoencoder, pictures)
    with torch.no_grad():
        latents = autoencoder.encoder(pictures)
    assert torch.allclose(folded_encoder(autoencoder)(pictures), latents, atol=1e-3)
    assert float(latents.square().mean()) == pytest.approx(1.0, abs=0.15)
    assert abs(float(latents.mean())) < 0.1
    # Linear least squares back to 8 x 8 patches: what the code kept of the picture.
    patches = torch.nn.functional.pixel_unshuffle(pictures, 8).flatten(2).transpose(1, 2).flatten(0, 1)
    codes = latents.flatten(2).transpose(1, 2).flatten(0, 1)
    codes = torch.cat([codes, torch.ones(len(codes), 1)], 1)
    solution = torch.linalg.lstsq(codes.double(), patches.double()).solution
    error = float((codes.double() @ solution - patches).square().mean())
    means = patches.unflatten(1, (3, 64)).mean(2, keepdim=True).expand(-1, 3, 64).flatten(1)
    assert error < 0.5 * float((means - patches).square().mean())


def test_the_noise_table_of_training_is_the_one_that_paints() -> None:
    ours = NoiseTable.from_betas(scaled_linear_betas(), rescale_zero_snr=True).alphas_cumprod
    assert torch.allclose(alphas_cumprod().double(), torch.from_numpy(ours.copy()), atol=1e-6)


def test_the_target_is_the_velocity() -> None:
    table = alphas_cumprod()
    latents, noise = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    noisy, velocity = noised(latents, noise, torch.tensor([999, 500]), table)
    assert torch.allclose(noisy[0], noise[0], atol=1e-3)
    assert torch.allclose(velocity[0], -latents[0], atol=1e-3)
    alpha, sigma = table[500].sqrt(), (1 - table[500]).sqrt()
    assert torch.allclose(alpha * noisy[1] - sigma * velocity[1], latents[1], atol=1e-5)


def test_worn_depth_stays_in_range_and_most_maps_change() -> None:
    depth = torch.rand(64, 16, 16)
    used = worn(depth, torch.Generator().manual_seed(0))
    assert float(used.min()) >= 0
    assert float(used.max()) <= 1
    same = (used == depth).flatten(1).all(1).float().mean()
    assert 0.15 < float(same) < 0.5


def test_rendering_leaves_what_is_there(data: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (data / "worlds").iterdir()}
    assert len(before) == 2
    render_shard(data / "worlds", 0)
    assert {path: path.stat().st_mtime_ns for path in (data / "worlds").iterdir()} == before


def test_a_batch_is_picture_depth_and_words_of_one_world(data: Path) -> None:
    examples = Examples(data / "worlds")
    examples.refresh(1)
    whole = load_shard(shard_file(data / "worlds", 0))
    known = as_network_input(whole.picture)
    exact = whole.depth.to(torch.int32).float() / 65535
    tokenizer = build_tokenizer()
    said = [{tuple(e.ids) for e in tokenizer.encode_batch(captions)} for captions in whole.captions]
    generator = torch.Generator().manual_seed(3)
    heard_words = mirrored = 0
    for _ in range(12):
        batch = examples.batch(8, SMALL, generator)
        assert batch.tokens.shape == (8, MAX_TOKENS)
        for picture, depth, tokens in zip(batch.picture, batch.relief[:, :1], batch.tokens, strict=True):
            straight = (known - picture).abs().flatten(1).amax(1)
            turned = (known.flip(-1) - picture).abs().flatten(1).amax(1)
            row = int(torch.minimum(straight, turned).argmin())
            mirrored += int(turned[row] < straight[row])
            wanted = exact[row].flip(-1) if turned[row] < straight[row] else exact[row]
            assert float((depth[0] - wanted).abs().mean()) < 0.25
            heard_words += tuple(tokens.tolist()) in said[row]
    assert 0.6 < heard_words / 96 < 1
    assert 0 < mirrored < 96


def test_no_shards_of_an_area_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no large shards"):
        Examples(tmp_path).batch(2, LARGE, torch.Generator())


def test_captions_use_only_words_of_the_vocabulary_and_synonyms_are_read() -> None:
    tokenizer = build_tokenizer()
    for captions in make_shard(3, count=24).captions:
        for encoding in tokenizer.encode_batch(captions):
            assert 2 not in encoding.ids
            assert not encoding.overflowing
    assert tokenizer.encode("a snow-capped Grey cottage").ids == tokenizer.encode("a snowy gray house").ids
    assert 2 in tokenizer.encode("a giraffe").ids


def test_a_weighted_velocity_error_is_that_of_the_picture() -> None:
    generator = torch.Generator().manual_seed(0)
    table, timesteps = alphas_cumprod(), torch.tensor([50, 400, 999])
    latents, noise, mistake = (torch.randn((3, 4, 2, 2), generator=generator) for _ in range(3))
    noisy, velocity = noised(latents, noise, timesteps, table)
    kept = table[timesteps][:, None, None, None]
    painted = kept.sqrt() * noisy - (1 - kept).sqrt() * (velocity + mistake)
    weighted = picture_weight(timesteps, table) * mistake.square()
    assert torch.allclose((painted - latents).square(), weighted, atol=1e-4)


def test_the_painter_learns_to_name_what_it_paints(data: Path, tmp_path: Path) -> None:
    (tmp_path / "worlds").symlink_to(data / "worlds")
    learner, _ = recipe._begin(tmp_path, "cpu", 0, None)  # pyright: ignore[reportPrivateUsage]
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    generator = torch.Generator().manual_seed(0)
    naming = [
        learner.painter_step(examples.batch(4, SMALL, generator), Moment(1e-3, DECIDING, step), generator)[1]
        for step in range(40)
    ]
    assert sum(naming[-5:]) < 0.75 * sum(naming[:5])
    assert "labeller" in learner.modules(), "a run that goes on has to find it"
    assert "labeller" not in learner.trained().painters(), "what is exported has no use for it"


def test_only_what_was_said_learns_guidance(data: Path, tmp_path: Path) -> None:
    """A silent sentence has to stay what guidance starts from."""
    (tmp_path / "worlds").symlink_to(data / "worlds")
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    batch = examples.batch(4, SMALL, torch.Generator().manual_seed(0))
    silent = replace(batch, tokens=torch.tensor([build_empty_prompt()] * 4))
    spoken = replace(batch, tokens=torch.tensor([build_tokenizer().encode("a red chair").ids] * 4))
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]
    learner.teacher = recipe._teacher(tmp_path / "teacher", learner)  # pyright: ignore[reportPrivateUsage]

    def loss(batch: Batch, guidance: float) -> float:
        moment = Moment(0.0, DECIDING, 0, guidance)
        return learner.painter_step(batch, moment, torch.Generator().manual_seed(1))[0]

    assert loss(silent, 3.0) == pytest.approx(loss(silent, 1.0), rel=1e-4)
    assert loss(spoken, 3.0) > 1.02 * loss(spoken, 1.0)


def test_a_student_of_guidance_learns_what_guidance_paints(data: Path, tmp_path: Path) -> None:
    """Where the data are what the teacher predicts already, all that is left to learn is the guidance."""
    (tmp_path / "worlds").symlink_to(data / "worlds")
    examples = Examples(tmp_path / "worlds")
    examples.refresh(1)
    batch = examples.batch(2, SMALL, torch.Generator().manual_seed(0))
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]
    learner.teacher = recipe._teacher(tmp_path / "teacher", learner)  # pyright: ignore[reportPrivateUsage]
    noisy, timesteps = torch.randn(2, 16, *batch.labels.shape[1:3]), torch.tensor([999, 700])
    text = learner.teacher.text_encoder(torch.cat([batch.tokens, learner.silence])).last_hidden_state
    with torch.no_grad():
        features = learner.teacher.adapter(batch.relief)

        def velocity(words: torch.Tensor) -> torch.Tensor:
            given = [feature.clone() for feature in features]
            return learner.teacher.unet(  # pyright: ignore[reportOptionalMemberAccess]
                noisy, timesteps, words, down_intrablock_additional_residuals=given
            ).sample

        gained = velocity(text[:-1]) - velocity(text[-1:].expand(2, -1, -1))
    pull = learner._pull(noisy, timesteps, batch.tokens, batch.relief, torch.ones(2, 1, 1, 1))  # pyright: ignore[reportPrivateUsage]
    assert torch.allclose(pull, gained, atol=1e-4)
    assert float(pull.abs().mean()) > 0.01


def test_a_teacher_stands_still_and_is_found_again(data: Path, tmp_path: Path) -> None:
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]
    first = recipe._teacher(tmp_path / "teacher", learner)  # pyright: ignore[reportPrivateUsage]
    with torch.no_grad():
        learner.averaged.unet.conv_out.weight.add_(1)
    again = recipe._teacher(tmp_path / "teacher", learner)  # pyright: ignore[reportPrivateUsage]
    assert torch.equal(first.unet.conv_out.weight, again.unet.conv_out.weight)
    assert not torch.equal(again.unet.conv_out.weight, learner.averaged.unet.conv_out.weight)


def test_a_course_learns_small_pictures_first_and_guidance_last() -> None:
    course = FROM_NOISE
    assert {course.area(0.1, chance) for chance in (0.0, 0.5, 0.99)} == {SMALL}
    assert [course.area(0.9, chance) for chance in (0.0, 0.99)] == [LARGE, SMALL]
    assert {FROM_WEIGHTS.area(share, 0.99) for share in (0.0, 0.5, 1.0)} == {LARGE}
    for each in (FROM_NOISE, FROM_WEIGHTS):
        assert each.moment(0.0, 0).rate == pytest.approx(each.peak_rate / each.warm_up)
        assert each.moment(0.2, 1000).rate == each.peak_rate
        assert each.moment(1.0, 1000).rate == 0
        assert (each.moment(0.1, 0).guidance, each.moment(0.99, 0).guidance) == (1.0, 2.0)


def test_a_run_may_go_on_from_what_was_exported(data: Path, tmp_path: Path) -> None:
    learner, _ = recipe._begin(tmp_path, "cpu", 0, FOLDER)  # pyright: ignore[reportPrivateUsage]
    shipped = load_file(FOLDER / WEIGHTS)
    for name, module in {**learner.averaged.painters(), "vae": learner.networks.autoencoder}.items():
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                assert torch.equal(value, shipped[f"{name}.{key}"].float()), f"{name}.{key}"


def test_weights_of_other_networks_are_no_start(tmp_path: Path) -> None:
    save_file({"unet.strange": torch.zeros(1)}, tmp_path / WEIGHTS)
    with pytest.raises(KeyError, match="text_encoder"):
        load_export(tmp_path, build_networks())


def test_weights_are_blended_between_what_was_and_what_was_learned() -> None:
    networks = build_networks()
    with torch.no_grad():
        networks.unet.conv_out.weight.fill_(1)
    blend(networks, FOLDER, 0.25)
    shipped = load_file(FOLDER / WEIGHTS)["unet.conv_out.weight"].float()
    assert torch.allclose(networks.unet.conv_out.weight, 0.75 * shipped + 0.25)
