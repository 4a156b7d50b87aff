"""Stable Diffusion as a Painter: diffusers' modules, run step by step by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import diffusers
import numpy as np
import torch
from torch import Tensor

from depthpaint.models.painter import Floats, Runtime, UnknownWord
from depthpaint.models.stable_diffusion.control import Extras, Hint
from depthpaint.models.stable_diffusion.device import Ladder, Rung, chosen_device, chosen_precision
from depthpaint.models.stable_diffusion.folder import Modules, load_modules
from depthpaint.models.stable_diffusion.folder_parts import ModelPaths
from depthpaint.models.stable_diffusion.inversions import encode_with_inversions
from depthpaint.models.stable_diffusion.places import inversions_in
from depthpaint.models.stable_diffusion.text import Text
from depthpaint.models.weights import library_errors
from depthpaint.plan import ModelHabits
from depthpaint.sampling.drive import Array
from depthpaint.sampling.levels import NoiseLevel

T = TypeVar("T")
P = ParamSpec("P")


def _failing_as(
    part: str,
) -> Callable[[Callable[Concatenate[StableDiffusion, P], T]], Callable[Concatenate[StableDiffusion, P], T]]:
    """Convert exceptions of libraries in a method to an error about this part of the model."""

    def wrapped(
        method: Callable[Concatenate[StableDiffusion, P], T],
    ) -> Callable[Concatenate[StableDiffusion, P], T]:
        @wraps(method)
        def call(self: StableDiffusion, /, *arguments: P.args, **named: P.kwargs) -> T:
            with self.errors_of(part):
                return method(self, *arguments, **named)

        return call

    return wrapped


class StableDiffusion:
    """A Painter. Latents are float32 torch tensors on the UNet's device, whatever its own precision."""

    def __init__(self, habits: ModelHabits, modules: Modules, place: Path) -> None:
        self._habits, self._place = habits, place
        self._modules = modules
        self._device, self._dtype = modules.unet.device, modules.unet.dtype
        self._one_by_one = False
        self._noted: list[str] = []
        split = Rung("one branch of guidance at a time", self._split)
        stream = Rung("weights moved to the device part by part, which is slow", self._stream)
        on_cpu = torch.device(self._device).type == "cpu"
        self._ladder = Ladder([split] if on_cpu else [split, stream])

    def errors_of(self, part: str) -> AbstractContextManager[None]:
        """Convert exceptions of libraries to an error about a part of the model."""
        return library_errors(
            self._place, part=part, short="to paint", remedy="ask for a smaller --size or --model"
        )

    @property
    def habits(self) -> ModelHabits:
        """The model's habits."""
        return self._habits

    @property
    def weights_sha256(self) -> str:
        """Digest over the weights of all parts."""
        return self._modules.weights_sha256

    @property
    def runs_on(self) -> Mapping[str, str]:
        """Device, precision, the versions of torch and diffusers, and the hub commits of parts."""
        device = torch.device(self._device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {
            "device": name,
            "precision": _short(self._dtype),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
        } | {f"revision of {name}": commit for name, commit in self._modules.commits.items()}

    @property
    def memory(self) -> int:
        """Bytes of the parameters of all networks."""
        return self._modules.memory

    @property
    def notes(self) -> tuple[str, ...]:
        """Measures taken because of memory or overflows."""
        saved = [*self._ladder.taken, *self._modules.autoencoder.saved]
        short = (f"memory ran out, so: {'; '.join(saved)}",) if saved else ()
        return (*short, *self._noted, *self._modules.autoencoder.notes)

    def steadier(self) -> bool:
        """Switch from float16 or bfloat16 to float32."""
        if self._dtype == torch.float32:
            return False
        self._modules.unet.to(dtype=torch.float32)
        for control in self._modules.controls.values():
            control.to(dtype=torch.float32)
        self._modules.autoencoder.steady()
        self._noted.append(f"painted again in float32: in {_short(self._dtype)} the numbers overflowed")
        self._dtype = torch.float32
        return True

    def unknown_words(self, prompt: str) -> tuple[UnknownWord, ...]:
        """None: its vocabulary has tokens for all parts of words."""
        del prompt
        return ()

    def tokens_cut(self, prompt: str) -> int:
        """None: long prompts are encoded in pieces."""
        del prompt
        return 0

    @_failing_as("its text encoder")
    def encode_text(self, prompt: str) -> object:
        """A `Text`, with the textual inversions that the prompt names."""
        modules = self._modules
        inversions = inversions_in(prompt, modules.embeddings)
        return encode_with_inversions(modules.text, prompt, inversions, empty_is_zero=modules.empty_is_zero)

    def begin(self, noise: Floats) -> Array:
        """As a tensor on the device."""
        return torch.from_numpy(noise).to(self._device)  # pyright: ignore[reportUnknownMemberType]

    @_failing_as("its autoencoder")
    @torch.inference_mode()
    def encode(self, picture: Floats) -> Array:
        """Latents of a picture (H, W, 3), as a tensor on the device."""
        centred = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None])) * 2 - 1
        return self._modules.autoencoder.encode(centred).to(self._device)

    @_failing_as("its control network")
    @torch.inference_mode()
    def prepare_control(self, hints: Mapping[str, Floats], known: Floats | None) -> object:
        """A `Hint` for each control."""
        where = None if known is None else self._tensor(known)
        controls = self._modules.controls
        return {name: controls[name].prepare(self._tensor(hint), where) for name, hint in hints.items()}

    @_failing_as("its control network")
    @torch.inference_mode()
    def control(
        self,
        prepared: object,
        latents: Array,
        level: NoiseLevel,
        texts: Sequence[object],
        strengths: Mapping[str, float],
    ) -> object:
        """`Extras` for the UNet."""
        hints = cast("dict[str, Hint]", prepared)
        controls = self._modules.controls

        def evaluate(text: Text, inputs: Tensor, number: int) -> Extras:
            del number
            timestep, added = self._timestep(level), self._added(text, inputs)
            parts = [
                controls[name].at_step(hints[name], inputs, timestep, text, added, strength)
                for name, strength in strengths.items()
            ]
            start = Extras() if "depth" in strengths else controls["depth"].inactive(inputs)
            return sum(parts, start)

        return self._in_groups(evaluate, latents, texts)

    @_failing_as("its UNet")
    @torch.inference_mode()
    def predict(
        self, latents: Array, level: NoiseLevel, texts: Sequence[object], residuals: object | None
    ) -> tuple[Array, ...]:
        """What the UNet predicts, (1, c, h, w) for each text."""
        given = cast("list[Extras] | None", residuals)

        def evaluate(text: Text, inputs: Tensor, number: int) -> Tensor:
            if given is None:
                extra = self._modules.controls["depth"].inactive(inputs)
            else:
                # Memory may have run out between the control network's call and this one.
                extra = given[number] if number < len(given) else given[0]
                extra = extra.row(number) if len(given) < len(texts) and len(inputs) == 1 else extra
            channels = inputs if extra.channels is None else torch.cat([inputs, extra.channels], dim=1)
            return self._modules.unet(
                channels, self._timestep(level), encoder_hidden_states=text.words,
                added_cond_kwargs=self._added(text, inputs) or None, return_dict=False, **extra.arguments,
            )[0]  # fmt: skip

        return torch.cat(self._in_groups(evaluate, latents, texts)).float().split(1)

    @_failing_as("its autoencoder or its safety checker")
    @torch.inference_mode()
    def decode(self, latents: Array) -> Floats:
        """A picture (H, W, 3). Raises PictureRefused if the safety checker is enabled and rejects it."""
        picture = self._modules.autoencoder.decode(cast("Tensor", latents))
        shown = (picture * 0.5 + 0.5).permute(1, 2, 0).cpu().numpy()
        if self._modules.safety is not None:
            self._modules.safety.require_safe(shown)
        return shown

    def _in_groups(
        self, evaluate: Callable[[Text, Tensor, int], T], latents: Array, texts: Sequence[object]
    ) -> list[T]:
        """Evaluate all prompts in one call, or one by one to save memory."""

        def work() -> list[T]:
            encoded = cast("Sequence[Text]", texts)
            groups = [[text] for text in encoded] if self._one_by_one else [encoded]
            rows = [Text.row(group).of_type(self._dtype) for group in groups]
            return [evaluate(row, self._repeated(latents, len(row.words)), k) for k, row in enumerate(rows)]

        return self._ladder.run(work)

    def _split(self) -> None:
        self._one_by_one = True

    def _stream(self) -> None:
        from accelerate import cpu_offload

        cpu_offload(self._modules.unet, execution_device=torch.device(self._device))

    def _tensor(self, values: Floats) -> Tensor:
        channels = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
        tensor = torch.from_numpy(np.ascontiguousarray(channels))
        return tensor[None].to(self._device, self._dtype)

    def _repeated(self, latents: Array, count: int) -> Tensor:
        return cast("Tensor", latents).to(self._dtype).expand(count, -1, -1, -1)

    def _timestep(self, level: NoiseLevel) -> Tensor:
        return torch.tensor(level.timestep, device=self._device)

    def _added(self, text: Text, inputs: Tensor) -> dict[str, Any]:
        """SDXL's additional conditioning: the pooled prompt, and sizes (Podell et al. 2307.01952)."""
        if not self._modules.needs_sizes or text.pooled is None:
            return {}
        factor = self._habits.latent_factor
        height, width = inputs.shape[-2] * factor, inputs.shape[-1] * factor
        # Original size, crop from the top left, target size.
        sizes = torch.tensor([[height, width, 0, 0, height, width]], device=self._device, dtype=self._dtype)
        return {"text_embeds": text.pooled, "time_ids": sizes.expand(len(inputs), -1)}


def _short(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def load_painter(habits: ModelHabits, located: ModelPaths, runtime: Runtime) -> StableDiffusion:
    """Load everything. Raises ModelError as load_modules does, ParameterError for a missing device."""
    device = chosen_device(runtime.device)
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    dtype = chosen_precision(runtime.precision, device)
    with library_errors(located.folder):
        modules = load_modules(located, device=device, dtype=dtype)
        if runtime.compile:
            modules.unet.compile()
        if device == "cuda":
            modules.unet.to(memory_format=torch.channels_last)
        return StableDiffusion(habits, modules, located.folder)
