import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

/** docs/rfc-coverage.md names files of src/bgp/ and of the repository: they have to be there. */
const rows = readFileSync("docs/rfc-coverage.md", "utf8")
  .split("\n")
  .filter((line) => /^\| (?!RFC |-)/.test(line))
  .map((line) => {
    const [rfc = "", what = "", where = "", state = "", shownBy = ""] = line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim());
    return { row: `${rfc}: ${what}`, where, state, shownBy };
  });

/** A name alone is of the folder that was named before it. */
function files(cell: string): { found: string[]; missing: string[] } {
  const found: string[] = [];
  const missing: string[] = [];
  for (const [, name = ""] of cell.matchAll(/`([^`]+(?:\.ts|\/))`/g)) {
    const folders = [path.dirname(found.at(-1) ?? "src/bgp/x"), "src/bgp", "."];
    const at = folders.map((folder) => path.join(folder, name)).find((one) => existsSync(one));
    if (at === undefined) missing.push(name);
    else found.push(at);
  }
  return { found, missing };
}

test("every file that a row names is there", () => {
  expect(rows.length).toBeGreaterThan(50);
  const missing = rows.flatMap(({ row, where, shownBy }) =>
    [where, shownBy].flatMap((cell) => files(cell).missing.map((name) => `${row}: ${name}`)),
  );
  expect(missing).toEqual([]);
});

test("every row says how far it goes, and what is there is shown by a test", () => {
  const wrong = rows
    .filter(({ state, shownBy }) => {
      if (state.startsWith("absent")) return false;
      if (!/^(?:implemented|partial)\b/.test(state)) return true;
      const isTest = (file: string) => statSync(file).isDirectory() || file.endsWith(".test.ts");
      return !/\bmatrix\b/.test(shownBy) && !files(shownBy).found.some(isTest);
    })
    .map(({ row }) => row);
  expect(wrong).toEqual([]);
});
