import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

const directory = new URL("../../../test/data/report/", import.meta.url);

/**
 * Compares with a file under test/data/report/. `UPDATE_GOLDEN=1 npm run unit` writes the files anew:
 * read the difference before committing it.
 */
export function expectGolden(name: string, text: string): void {
  const file = new URL(name, directory);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}
