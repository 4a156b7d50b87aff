"""webuiapi, of any version: python webui.py ADDRESS DEPTH."""

import inspect
import sys
from urllib.parse import urlsplit

import webuiapi
from PIL import Image

address, depth = sys.argv[1:]
place = urlsplit(address)
api = webuiapi.WebUIApi(host=place.hostname, port=place.port)
known = inspect.signature(webuiapi.ControlNetUnit.__init__).parameters
field = "image" if "image" in known else "input_image"
unit = webuiapi.ControlNetUnit(**{field: Image.open(depth)}, module="none")
wanted = {"prompt": "a red house", "seed": 7, "width": 512, "height": 384}
first = api.txt2img(**wanted, controlnet_units=[unit])
assert first.image.size == (512, 384)
assert first.info["all_seeds"] == [7]
again = api.txt2img(**wanted, controlnet_units=[unit])
assert first.image.tobytes() == again.image.tobytes()
# A unit of an earlier call is not repeated: webuiapi looks for "controlnet m2m" among the scripts.
without = api.txt2img(**wanted)
assert "ControlNet" not in without.info["infotexts"][0]
NAMES = """
get_options get_samplers get_sd_models get_progress get_cmd_flags get_sd_vae get_scripts get_schedulers
get_memory get_loras get_embeddings get_upscalers get_face_restorers get_prompt_styles get_extensions
get_hypernetworks get_realesrgan_models controlnet_version controlnet_model_list controlnet_module_list
refresh_checkpoints interrupt skip util_get_current_model
"""
for name in NAMES.split():
    if hasattr(api, name):
        getattr(api, name)()
api.set_options({"sd_model_checkpoint": api.util_get_model_names()[0]})
begun = api.img2img(
    images=[first.image],
    prompt="a red house at night",
    seed=7,
    denoising_strength=0.5,
    width=512,
    height=384,
    controlnet_units=[unit],
)
assert begun.image.size == (512, 384)
assert begun.image.tobytes() != first.image.tobytes()
assert begun.info["denoising_strength"] == 0.5
assert begun.parameters["init_images"] is None
assert api.controlnet_detect(images=[Image.open(depth)], module="depth").image.size == (640, 480)
