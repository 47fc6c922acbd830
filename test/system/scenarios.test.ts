import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repository, spinelab, succeed } from "./spinelab.ts";

/**
 * Plays every scenario of scenarios/LAB/ on its lab, one after the other on one deployment: each
 * leaves the lab as it found it, and so each finds it as it was made.
 */
const playLimitMs = 600_000;
const folder = join(repository, "scenarios");
const labs = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(labs.map(({ name }) => name))("%s", (lab) => {
  const name = `scenarios-${process.pid}`;
  beforeAll(async () => {
    await succeed("up", lab, "--name", name);
  });
  afterAll(async () => {
    await spinelab("down", name);
  });

  test.each(readdirSync(join(folder, lab)).filter((file) => file.endsWith(".yaml")))(
    "%s",
    async (file) => {
      const played = await spinelab("play", name, join(folder, lab, file));
      expect(played.stdout).toMatch(/PASSED|WARN/);
      expect(played).toMatchObject({ status: 0 });
    },
    playLimitMs,
  );
});
