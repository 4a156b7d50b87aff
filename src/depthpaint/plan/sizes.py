"""Four sizes with four names, and how they fit into each other. Arithmetic only, no pixels.

depth map --fit--> content --pad--> canvas --network--> canvas --crop--> content --resize--> output
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from depthpaint.core.geometry import Box, Extent, Fit, Placement, place
from depthpaint.plan.habits import ModelHabits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes in pixels (latents for `latent_size`).

    `depth_size` of the file; `content_size` of the picture as it is painted; `canvas_size` what the network
    sees, the content padded to the model's multiple; `content_box` where the content lies on the canvas;
    `latent_size` of the canvas in latents; `output_size` exactly what was asked. `depth_placement` lays the
    map on the content.
    """

    depth_size: Extent
    content_size: Extent
    canvas_size: Extent
    content_box: Box
    latent_size: Extent
    output_size: Extent
    depth_placement: Placement

    @property
    def resized(self) -> bool:
        """Whether the painted content is enlarged or reduced to the output size."""
        return self.content_size != self.output_size

    @property
    def enlarged(self) -> bool:
        """Whether it is enlarged: then the full depth map's edges guide it."""
        return self.output_size.pixels > self.content_size.pixels


def plan_sizes(
    depth_size: Extent,
    habits: ModelHabits,
    *,
    size: Extent | Literal["depth"] | None = None,
    aspect: float | None = None,
    fit: Fit = Fit.PAD,
) -> Sizes:
    """Resolve every size.

    `size` is the output in pixels, or "depth" for the map's own; otherwise the output has the area that the
    model is used to, at the ratio `aspect` (width over height), or at the map's own ratio without one.
    """
    output = output_size(depth_size, habits, size=size, aspect=aspect)
    content = output
    if not habits.smallest_area <= output.pixels <= habits.largest_area:
        content = output.scaled_to_area(habits.trained_area)
    canvas = content.ceil_to(habits.multiple)
    # Centred, so that what the network sees at the rim is the same on both sides.
    left, top = (canvas.width - content.width) // 2, (canvas.height - content.height) // 2
    return Sizes(
        depth_size=depth_size,
        content_size=content,
        canvas_size=canvas,
        content_box=Box(left, top, left + content.width, top + content.height),
        latent_size=Extent(canvas.width // habits.latent_factor, canvas.height // habits.latent_factor),
        output_size=output,
        depth_placement=place(depth_size, content, fit),
    )


def output_size(
    depth_size: Extent, habits: ModelHabits, *, size: Extent | Literal["depth"] | None, aspect: float | None
) -> Extent:
    """The size that comes out, to the pixel."""
    if isinstance(size, Extent):
        return size
    if size == "depth":
        return depth_size
    area = habits.output_area or habits.trained_area
    if aspect is not None:
        side = area**0.5
        return Extent(max(1, round(side * aspect**0.5)), max(1, round(side / aspect**0.5)))
    return depth_size.scaled_to_area(area)
