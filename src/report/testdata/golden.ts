import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const directory = new URL("../../../test/data/report/", import.meta.url);

/**
 * What `seen` must be: the text of that file under test/data/report/. `UPDATE_GOLDEN=1 npm run unit`
 * first writes what is seen there: read the difference before committing it.
 */
export function golden(name: string, seen: string): string {
  const file = new URL(name, directory);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, seen);
  }
  return readFileSync(file, "utf8");
}
