"""A small convolutional network that tells what a picture shows, with its own score in its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

BATCH, RATE = 64, 2e-3
WIDTHS = (24, 48, 96, 96)


@dataclass(frozen=True, slots=True)
class Lesson:
    """Inputs (N, C, H, W), about in [0, 1], and the class (N,) of each."""

    inputs: Tensor
    labels: Tensor


class Classifier(nn.Module):
    """Inputs (B, C, H, W) to one logit (B, K) for each of `classes`."""

    def __init__(self, classes: Sequence[str], channels: int) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        layers: list[nn.Module] = []
        for before, after in zip((channels, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.SiLU()]
            layers += [nn.MaxPool2d(2)] if after != WIDTHS[-1] or before != WIDTHS[-1] else []
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(2 * WIDTHS[-1], len(self.classes))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K)."""
        seen = self.layers(x - 0.5)
        pooled = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)
        return self.head(functional.dropout(pooled, 0.2, self.training))

    @torch.no_grad()
    def names(self, inputs: Tensor) -> list[str]:
        """The likeliest class of each of the inputs (B, C, H, W), seen as they are and mirrored."""
        self.eval()
        shares = self(inputs).softmax(1) + self(inputs.flip(-1)).softmax(1)
        return [self.classes[int(k)] for k in shares.argmax(1)]


def learned(
    classes: Sequence[str],
    lesson: Lesson,
    rounds: int,
    on_round: Callable[[int], None] | None = None,
) -> Classifier:
    """Train a classifier on `lesson`; `on_round` hears how many of the rounds are done."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        network = Classifier(classes, lesson.inputs.shape[1]).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.02)
        steps = rounds * -(-len(lesson.labels) // BATCH)
        plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
        for done in range(1, rounds + 1):
            for rows in torch.randperm(len(lesson.labels), generator=generator).split(BATCH):
                logits = network(_worn(lesson.inputs[rows].float(), generator))
                loss = functional.cross_entropy(logits, lesson.labels[rows], label_smoothing=0.03)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                plan.step()
            if on_round is not None:
                on_round(done)
    return network.eval()


def _worn(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrored, softer or noisier by chance: paintings are a little softer than renders."""
    chance = torch.rand(3, generator=generator)
    inputs = inputs.flip(-1) if chance[0] < 0.5 else inputs
    if chance[1] < 0.25:
        inputs = functional.avg_pool2d(inputs, 3, stride=1, padding=1, count_include_pad=False)
    return inputs + 0.02 * chance[2] * torch.randn(inputs.shape, generator=generator)


def save(network: Classifier, path: Path, score: float) -> None:
    """Write the network with its accuracy, in [0, 1], on true renders of held-out worlds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"classes": json.dumps(network.classes), "channels": str(network.channels), "score": str(score)}
    save_file(network.state_dict(), path, facts)


def load(path: Path) -> tuple[Classifier, float]:
    """Read a network and its accuracy."""
    with safe_open(path, framework="pt") as file:
        facts = file.metadata()
        network = Classifier(json.loads(facts["classes"]), int(facts["channels"]))
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})
    return network.eval(), float(facts["score"])
