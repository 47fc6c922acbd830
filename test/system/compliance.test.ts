import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { NetnsRuntime } from "../../src/runtime/netns/netns-runtime.ts";
import { complies } from "../runtime/compliance.ts";

const work = mkdtempSync(path.join(tmpdir(), "spinelab-netns-"));
afterAll(() => rmSync(work, { recursive: true }));

complies({
  name: "netns",
  image: "frr",
  create: (lab) => new NetnsRuntime({ directory: path.join(work, lab), tools: [] }),
  traces: async (fabric) =>
    execFileSync("ip", ["netns", "list"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.startsWith(`${fabric.prefix}-`)),
});
