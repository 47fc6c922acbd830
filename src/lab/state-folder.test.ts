import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the last lab of a machine that goes takes no other with it that begins", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-state-"));
  const course = fileURLToPath(new URL("claims.testkit.ts", import.meta.url));
  const play = async (lab: string) => {
    const env = { ...process.env, SPINELAB_STATE: join(folder, "labs") };
    const child = spawn(process.execPath, [course, lab], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => (said += String(bytes)));
    const [status] = (await once(child, "close")) as [number];
    return { status, said: status === 0 ? "" : said };
  };
  const both = await Promise.all([play("one"), play("other")]);
  rmSync(folder, { recursive: true });
  expect(both).toEqual([
    { status: 0, said: "" },
    { status: 0, said: "" },
  ]);
}, 60_000);
