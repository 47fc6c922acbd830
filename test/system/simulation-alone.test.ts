import { execFile } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "../..");
const nobody = 65_534;

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "simulation-alone-"));
  chownSync(home, nobody, nobody);
});

afterEach(() => rmSync(home, { recursive: true }));

/** As a user without any right, on a system where calls into Linux cannot be made. Returns the report's folder. */
async function simulated(lab: string, report: string): Promise<string> {
  const hook = join(import.meta.dirname, "without-koffi.mjs");
  await run(
    "setpriv",
    [
      ...[`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", process.execPath],
      ...[join(repository, "bin/spinelab.mjs"), "run", lab, "--runtime", "sim", "--seed", "7"],
      ...["--name", `alone-${process.pid}`, "--report", join(home, report)],
    ],
    { cwd: home, env: { HOME: home, PATH: "/usr/bin:/bin", NODE_OPTIONS: `--import=${hook}` } },
  );
  return join(home, report, `alone-${process.pid}`);
}

test("a simulated lab needs no rights, no folder of the system's, and no call into Linux; the same seed gives the same files, byte by byte", async () => {
  const [first, second] = [
    await simulated("dual-homed", "reports"),
    await simulated("dual-homed", "reports-again"),
  ];
  const files = readdirSync(first).sort();
  expect(files).toEqual(["junit.xml", "report.html", "timeline.jsonl"]);
  for (const file of files) {
    const [a, b] = [first, second].map((folder) => readFileSync(join(folder, file), "utf8"));
    expect(a!.length).toBeGreaterThan(1000);
    expect({ file, text: b }).toEqual({ file, text: a });
  }
  // What of the lab is kept while it runs goes with it.
  expect(readdirSync(join(home, ".local/state"))).toEqual([]);
});
