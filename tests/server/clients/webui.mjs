// The two clients for Node of the web UI's interface: node webui.mjs ADDRESS DEPTH
import assert from "node:assert/strict";
import sharp from "sharp";
import * as first from "a1111-webui-api";
import * as second from "stable-diffusion-api";

const [address, depth] = process.argv.slice(2);
const { hostname: host, port } = new URL(address);
for (const { StableDiffusionApi, ControlNetUnit } of [first, second]) {
  const api = new StableDiffusionApi({ host, port: Number(port), protocol: "http" });
  const unit = new ControlNetUnit({ model: "None", module: "none", input_image: sharp(depth) });
  const wanted = { prompt: "a red house", width: 512, height: 384, seed: 7, controlnet_units: [unit] };
  const result = await api.txt2img(wanted);
  assert.equal(result.images.length, 1);
  const { width, height } = await result.image.metadata();
  assert.deepEqual([width, height], [512, 384]);
  const names = ["getSamplers", "getSdModels", "getOptions", "getProgress", "getCmdFlags", "getEmbeddings",
    "getLoras", "getMemory", "getPromptStyles", "getUpscalers", "getHypernetworks", "getFaceRestorers",
    "getRealesrganModels", "getScripts", "refreshCheckpoints"];
  for (const name of names) if (api[name]) await api[name]();
  const control = api.ControlNet ?? api.controlnet;
  assert((await control.getModels()).length > 0);
  assert((await control.getModules()).includes("none"));
  const shown = await control.detect({
    controlnet_module: "depth", controlnet_input_images: [sharp(depth)], controlnet_processor_res: 512,
    controlnet_threshold_a: 64, controlnet_threshold_b: 64,
  });
  assert.equal(shown.images.length, 1);
}
