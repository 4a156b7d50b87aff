"""The recipe on a dwarf's budget: it learns, it resumes, its encoder is what it claims to be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from depthpaint.models.diorama.files import FOLDER
from depthpaint.sampling.levels import NoiseTable, scaled_linear_betas
from training import recipe
from training.autoencoder import folded_encoder, solve_encoder
from training.checkpoint import Progress, load_checkpoint, save_checkpoint
from training.course import FROM_NOISE, FROM_WEIGHTS
from training.diffusion import alphas_cumprod, signal_and_noise
from training.examples import Examples, as_network_input, worn
from training.export import WEIGHTS, load_export
from training.networks import build_autoencoder, build_networks
from training.tokenizer import MAX_TOKENS, build_tokenizer
from training.worlds.shards import LARGE, SMALL, load_shard, make_shard, render_shard, shard_file

pytestmark = pytest.mark.full


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


def test_a_velocity_stands_for_a_picture() -> None:
    table = alphas_cumprod()
    latents, noise = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    alpha, sigma = signal_and_noise(torch.tensor([999, 500]), table)
    noisy, velocity = alpha * latents + sigma * noise, alpha * noise - sigma * latents
    assert torch.allclose(noisy[0], noise[0], atol=1e-3)
    assert torch.allclose(velocity[0], -latents[0], atol=1e-3)
    assert torch.allclose(alpha * noisy - sigma * velocity, latents, atol=1e-5)


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


def test_a_course_learns_small_pictures_first_and_its_own_last() -> None:
    course = FROM_NOISE
    assert {course.area(0.1, chance) for chance in (0.0, 0.5, 0.99)} == {SMALL}
    assert [course.area(0.9, chance) for chance in (0.0, 0.99)] == [LARGE, SMALL]
    assert {FROM_WEIGHTS.area(share, 0.99) for share in (0.0, 0.5, 1.0)} == {LARGE}
    for each in (FROM_NOISE, FROM_WEIGHTS):
        assert each.moment(0.0, 0, 0.0).rate == pytest.approx(each.peak_rate / each.warm_up)
        assert each.moment(0.2, 1000, 0.0).rate == each.peak_rate
        assert each.moment(1.0, 1000, 0.0).rate == 0
        assert [each.moment(0.99, 0, chance).painted for chance in (0.0, 0.99)] == [True, False]
    assert not FROM_NOISE.moment(0.5, 0, 0.0).painted


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
