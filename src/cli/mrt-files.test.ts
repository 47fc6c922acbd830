import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mrtFiles } from "./mrt-files.ts";

const a = { node: "kind-worker", instance: "one" };
const b = { node: "kind-worker2", instance: "one" };

test("one speaker's routes are in the file that was named", () => {
  expect(mrtFiles("/nowhere/routes.mrt", [a])).toEqual(["/nowhere/routes.mrt"]);
  expect(mrtFiles("/dev/stdout", [a])).toEqual(["/dev/stdout"]);
});

test("of several each has a file with its node's name, and its instance where a node has more", () => {
  expect(mrtFiles("out/routes.mrt", [a, b])).toEqual([
    "out/routes.kind-worker.mrt",
    "out/routes.kind-worker2.mrt",
  ]);
  expect(mrtFiles("routes", [a, { ...a, instance: "two" }, b])).toEqual([
    "routes.kind-worker.one",
    "routes.kind-worker.two",
    "routes.kind-worker2",
  ]);
});

test("a folder takes them all", () => {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-mrt-files-"));
  try {
    expect(mrtFiles(folder, [a, b])).toEqual([
      join(folder, "kind-worker.mrt"),
      join(folder, "kind-worker2.mrt"),
    ]);
    expect(mrtFiles(folder, [{ node: "", instance: "host1" }])).toEqual([
      join(folder, "host1.mrt"),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no file takes one speaker's only", () => {
  expect(() => mrtFiles("/dev/null", [a, b])).toThrow(
    /those of kind-worker, kind-worker2\n {2}hint: --node NODE/,
  );
});
