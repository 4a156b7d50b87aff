"""The autoencoder: an encoder solved in closed form, a decoder trained to undo it.

A learned code has to beat a linear one first, and takes long to. So the encoder *is* linear: principal
components of 2 x 2 patches, level by level, written into AutoencoderTiny's convolutions (which are linear
when it has no residual blocks). Latents are fixed from the first minute on, the painter trains on them at
once, and the decoder, which is not linear, trains beside it.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from torch.nn import functional

PATCH = 8
WHITENING = 0.3
"""Each latent channel is divided by its spread to this power: 0 keeps principal components.

1 makes them all equal.
"""


@torch.no_grad()
def solve_encoder(autoencoder: AutoencoderTiny, pictures: Tensor) -> None:
    """Write the hierarchical principal components of `pictures` (N, 3, H, W) in [-1, 1] into the encoder."""
    convolutions = [layer for layer in autoencoder.encoder.layers if isinstance(layer, nn.Conv2d)]
    first, *strided, last = convolutions
    for convolution in convolutions:
        convolution.weight.zero_()
        if convolution.bias is not None:
            convolution.bias.zero_()
    # The encoder is fed (x + 1) / 2; a centre tap copies the three colours.
    for channel in range(3):
        first.weight[channel, channel, 1, 1] = 1.0
    features, used = functional.conv2d((pictures + 1) / 2, first.weight, first.bias, padding=1), 3
    for convolution in strided:
        patches = torch.cat([features[:, :used, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
        components, _ = _principal_components(patches)
        kept = min(convolution.out_channels, 4 * used)
        for offset, (i, j) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            # Taps 1 and 2 of a padded stride-2 kernel are exactly the patch's own pixels.
            block = components[:kept, offset * used : (offset + 1) * used]
            convolution.weight[:kept, :used, 1 + i, 1 + j] = block
        features, used = functional.conv2d(features, convolution.weight, stride=2, padding=1), kept
    mean = features.mean((0, 2, 3))
    spread = features.std((0, 2, 3))[: last.out_channels]
    # One common scale brings the whole to unit variance, as the diffusion schedule expects of its latents.
    softened = spread**WHITENING
    scale = 1 / (softened * ((spread / softened) ** 2).mean().sqrt())
    offsets = torch.zeros(last.out_channels)
    for channel in range(last.out_channels):
        last.weight[channel, channel, 1, 1] = scale[channel]
        offsets[channel] = -scale[channel] * mean[channel]
    last.bias = nn.Parameter(offsets)


@torch.no_grad()
def folded_encoder(autoencoder: AutoencoderTiny) -> nn.Conv2d:
    """The solved encoder as one convolution of 8 x 8 patches: 192 numbers to 16, a hundred times cheaper.

    It takes pictures in [-1, 1] (B, 3, H, W), sides multiples of 8, to latents (B, 16, H / 8, W / 8).
    """
    impulses = torch.eye(3 * PATCH * PATCH).unflatten(1, (3, PATCH, PATCH))
    bias = autoencoder.encode(torch.zeros(1, 3, PATCH, PATCH)).latents.flatten()
    answers = autoencoder.encode(impulses).latents.flatten(1) - bias
    folded = nn.Conv2d(3, len(bias), PATCH, stride=PATCH)
    folded.weight.copy_(answers.T.unflatten(1, (3, PATCH, PATCH)))
    folded.bias = nn.Parameter(bias)
    return folded.requires_grad_(requires_grad=False)


def _principal_components(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return orthonormal directions (C, C), widest spread first, and their variances (C,)."""
    flat = features.permute(1, 0, 2, 3).flatten(1).double()
    centred = flat - flat.mean(1, keepdim=True)
    variances, directions = torch.linalg.eigh(centred @ centred.T / centred.shape[1])
    return directions.T.flip(0).float(), variances.flip(0).float()


def decoder_loss(autoencoder: AutoencoderTiny, latents: Tensor, pictures: Tensor) -> Tensor:
    """Mean absolute error of colours and of their differences to the neighbours, so that edges stay edges."""
    decoded = autoencoder.decode(latents).sample
    error = decoded - pictures
    across = error[..., 1:] - error[..., :-1]
    down = error[..., 1:, :] - error[..., :-1, :]
    return error.abs().mean() + 0.5 * (across.abs().mean() + down.abs().mean())
