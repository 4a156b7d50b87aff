"""For Blender: render the depth of the open scene as an EXR in metres.

Run it with `blender scene.blend --background --python blender_depth.py -- depth.exr`, then
`depthpaint generate depth.exr "a house in the forest"`. It needs Blender 4.2 or newer.
"""

import sys
from pathlib import Path

import bpy  # pyright: ignore[reportMissingImports] - only inside Blender


def main() -> None:
    """Render one sample of the depth pass, which needs no light, and write it."""
    wanted = Path(sys.argv[-1]) if "--" in sys.argv else Path("depth.exr")
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"  # distances are not averaged over edges
    bpy.context.view_layer.use_pass_z = True
    written_as = scene.render.image_settings
    if hasattr(written_as, "media_type"):  # Blender 5: it decides which file formats there are
        written_as.media_type = "MULTI_LAYER_IMAGE"
    written_as.file_format = "OPEN_EXR_MULTILAYER"
    written_as.color_depth = "32"
    scene.render.filepath = str(wanted.resolve())
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main()
