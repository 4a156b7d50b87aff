// The official client for Node: node openai.mjs ADDRESS DEPTH
import assert from "node:assert/strict";
import fs from "node:fs";
import OpenAI, { toFile } from "openai";

const [address, depth] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none" });
const ids = (await client.models.list()).data.map((model) => model.id);
assert(ids.includes("diorama"));
const seed = { seed: 7 };
const file = () => toFile(fs.createReadStream(depth), "depth.png");
const edited = await client.images.edit({ image: await file(), prompt: "a red house", ...seed });
const text = fs.readFileSync(depth).toString("base64");
const body = { prompt: "a red house", depth_image: text, ...seed };
const made = await client.images.generate(body);
assert.equal(made.data[0].b64_json, edited.data[0].b64_json);
const kinds = [];
let last;
for await (const event of await client.images.generate({ ...body, stream: true, partial_images: 1 })) {
  kinds.push(event.type);
  last = event;
}
assert.deepEqual(kinds, ["image_generation.partial_image", "image_generation.completed"]);
assert.equal(last.b64_json, made.data[0].b64_json);
await assert.rejects(client.images.generate({ ...body, model: "nothing" }), { status: 404, code: "model_not_found" });
