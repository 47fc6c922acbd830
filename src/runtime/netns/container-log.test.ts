import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ContainerLog, readContainerLog } from "./container-log.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-container-log-"));
  file = join(folder, "web.log");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(limit: number, chunks: readonly string[]): Promise<void> {
  const log = new ContainerLog(file, limit);
  for (const chunk of chunks) log.write(chunk);
  await finished(log.end());
}

const bytesOf = () =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

test("is read as it was written, also after a container's second start", async () => {
  await write(100, ["one\n", "tw"]);
  await write(100, ["o\n"]);
  expect(readContainerLog(file)).toBe("one\ntwo\n");
  expect(readdirSync(folder)).toEqual(["web.log"]);
});

test("is never larger than two files, begins with a whole line, and loses nothing of the last one", async () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`);
  await write(200, lines);
  expect(bytesOf()).toBeLessThanOrEqual(400);
  const left = readContainerLog(file);
  expect(left.length).toBeGreaterThan(200);
  expect(lines.join("").endsWith(left)).toBe(true);
  expect(left).toMatch(/^line \d+\n/);
});

test("is bounded whatever is written, and holds the end of it", async () => {
  const chunks = fc.array(fc.string({ maxLength: 50, unit: fc.constantFrom("a", "b", "\n") }));
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 30 }), async (written, limit) => {
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), "spinelab-container-log-"));
      file = join(folder, "web.log");
      await write(limit, written);
      expect(bytesOf()).toBeLessThanOrEqual(2 * limit);
      const all = written.join("");
      const left = readContainerLog(file);
      expect(all.endsWith(left)).toBe(true);
      expect(left === all || left.length > 0).toBe(true);
    }),
  );
});

test("what comes when its folder is gone is lost, and nothing else", async () => {
  const log = new ContainerLog(file, 10);
  log.write("one\n");
  rmSync(folder, { recursive: true });
  log.write("two\nthree\nfour\nfive\n");
  await finished(log.end());
  expect(() => readContainerLog(file)).toThrow("ENOENT");
});
