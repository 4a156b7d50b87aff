"""Labels say of every square of pixels what the caption would call it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from depthpaint.core.errors import ModelError
from training.examples import Examples
from training.worlds.families import random_world
from training.worlds.labels import COUNTS, label_maps, latent_labels
from training.worlds.palette import COLOURS
from training.worlds.shards import SMALL, Shard, load_shard, make_shard, render_shard, shard_file
from training.worlds.words import MATERIALS, NOUNS
from training.worlds.world import Named


def test_labels_are_the_words_of_what_lies_in_the_middle_of_each_square() -> None:
    world = random_world(np.random.default_rng(3), ratio=1.0)
    named = (Named("", None, None), Named("bed", "blue", None), Named("wall", None, "wood"))
    ids = torch.zeros(1, 16, 24, dtype=torch.int16)
    ids[0, 1, 1], ids[0, 1, 3], ids[0, 0, 5] = 1, 2, 1
    labels = label_maps([replace(world, named=named)], ids)
    assert labels.shape == (1, 8, 12, 3)
    assert labels[0, 0, 0].tolist() == [list(NOUNS).index("bed") + 1, list(COLOURS).index("blue") + 1, 0]
    assert labels[0, 0, 1].tolist() == [list(NOUNS).index("wall") + 1, 0, list(MATERIALS).index("wood") + 1]
    assert not labels[0, 0, 2].any(), "another pixel of the square does not count"
    assert not labels[0, 1].any()


def test_every_noun_of_the_worlds_has_a_number() -> None:
    rng = np.random.default_rng(11)
    worlds = [random_world(rng, ratio=1.0) for _ in range(60)]
    said = {named.noun for world in worlds for named in world.named[1:]}
    assert len(said) > 30
    assert said <= set(NOUNS)
    assert {len(NOUNS) + 1, len(COLOURS) + 1, len(MATERIALS) + 1} == set(COUNTS)


def test_a_shard_keeps_them_and_a_batch_turns_them_with_the_picture(tmp_path: Path) -> None:
    shard = make_shard(0, SMALL, count=2)
    # What is shown is the column, everywhere: picture, depth and labels must agree after any turn.
    column = torch.arange(128)
    made = Shard(
        (column * 2).to(torch.uint8)[None, None, :, None].expand(2, 128, 128, 3).contiguous(),
        (column * 512).to(torch.int32).to(torch.uint16)[None, None].expand(2, 128, 128).contiguous(),
        column[1::2].to(torch.uint8)[None, None, :, None].expand(2, 64, 64, 3).contiguous(),
        shard.captions,
    )
    examples = Examples(tmp_path)
    assert shard.labels.shape == (2, 64, 64, 3)
    examples.take(made, SMALL)
    turned: set[bool] = set()
    for seed in range(8):
        batch = examples.batch(2, SMALL, torch.Generator().manual_seed(seed))
        shown = ((batch.picture[0, 0, 0, 1::2] + 1) * 127.5 / 2).round().long()
        assert torch.equal(shown // 2, batch.labels[0, 0, :, 0] // 2)
        turned.add(bool(shown[0] > shown[-1]))
    assert turned == {False, True}


def test_a_shard_on_disk_holds_its_labels(tmp_path: Path) -> None:
    small = replace(SMALL, count=2)
    render_shard(tmp_path, 1, small)
    loaded = load_shard(tmp_path / "worlds-00001.safetensors")
    assert loaded.labels.shape == (2, 96 // 2, 160 // 2, 3)
    assert torch.equal(loaded.labels, make_shard(1, small).labels)


def test_a_latent_pixel_is_called_what_lies_in_its_middle() -> None:
    labels = torch.zeros(1, 8, 12, 3, dtype=torch.uint8)
    labels[0, 2, 6] = torch.tensor([1, 2, 3])
    assert latent_labels(labels).shape == (1, 2, 3, 3)
    assert latent_labels(labels)[0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [0, 0, 0]]


def test_worlds_of_an_earlier_version_are_refused_with_the_remedy(tmp_path: Path) -> None:
    small = replace(SMALL, count=2)
    shard = make_shard(0, small)
    tensors = {"picture": shard.picture, "depth": shard.depth, "labels": latent_labels(shard.labels)}
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        shard_file(tmp_path, 0),
        {"captions": json.dumps(shard.captions)},
    )
    with pytest.raises(ModelError, match="earlier version") as refused:
        Examples(tmp_path).refresh(1)
    assert str(tmp_path) in refused.value.remedy
