import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const labs = readdirSync(`${root}scenarios`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test("there are labs with scenarios of their own", () => expect(labs).not.toEqual([]));

test.for(labs)("the scenarios of %s are played by a system test", (lab) => {
  expect(existsSync(`${root}test/system/scenarios/${lab}.test.ts`)).toBe(true);
});
