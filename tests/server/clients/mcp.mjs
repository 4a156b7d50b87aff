// The official SDK for Node: node mcp.mjs ADDRESS DEPTH PYTHON OUT
import assert from "node:assert/strict";
import fs from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [address, depth, python, out] = process.argv.slice(2);
const env = { ...process.env };
const started = { command: python, args: ["-m", "depthpaint", "mcp", "--out", out], env };
for (const transport of [
  new StreamableHTTPClientTransport(new URL(`${address}/mcp`)), new StdioClientTransport(started),
]) {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  assert(names.includes("generate_image"));
  const steps = [];
  const given = { prompt: "a red house", depth_base64: fs.readFileSync(depth).toString("base64"), seed: 7 };
  const made = await client.callTool({ name: "generate_image", arguments: given }, undefined, {
    onprogress: (progress) => steps.push(progress.progress),
  });
  assert.deepEqual(made.content.map((each) => each.type), ["image", "text", "resource_link"]);
  assert.equal(made.structuredContent.seed, 7);
  assert.deepEqual(steps, [1, 2]);
  const read = await client.readResource({ uri: made.content[2].uri });
  assert.equal(read.contents[0].blob, made.content[0].data);
  const bad = await client.callTool({ name: "generate_image", arguments: { prompt: "a", depth_path: "/etc/passwd" } });
  assert(bad.isError);
  await client.close();
}
