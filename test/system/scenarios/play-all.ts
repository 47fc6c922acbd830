import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, spinelab, succeed } from "../spinelab.ts";

const playLimitMs = 600_000;
// What is drawn by chance is the same in each run of the suite; other seeds are for `play` and `simulate`.
const seed = "1";
const folder = join(repository, "scenarios");

/**
 * Plays every scenario of scenarios/LAB/ on its lab, one after the other on one deployment: each
 * leaves the lab as it found it, and so each finds it as it was made. A file for each lab, so that they
 * run side by side.
 */
export function playAll(lab: string): void {
  const name = `scenarios-${lab}-${process.pid}`;
  beforeAll(async () => {
    await succeed("up", lab, "--name", name);
  });
  afterAll(async () => {
    await spinelab("down", name);
  });

  test.each(readdirSync(join(folder, lab)).filter((file) => file.endsWith(".yaml")))(
    "%s",
    async (file) => {
      const path = join(folder, lab, file);
      expect(await succeed("play", name, path, "--seed", seed)).toMatch(/PASSED|WARN/);
    },
    playLimitMs,
  );
}
