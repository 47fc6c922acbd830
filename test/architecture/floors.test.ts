import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundledFolders } from "../../src/lab/agent-bundle.ts";
import { floors, floorViolations } from "./floors.ts";
import {
  brokenLinks,
  lockGaps,
  planningMentions,
  registryMentions,
  sansIoViolations,
  tooLong,
  vagueNames,
} from "./rules.ts";
import { importsOf, readTree, type SourceFile } from "./source-file.ts";

const root = new URL("../../", import.meta.url).pathname;
const project = readTree(root);
const source = project.filter((file) => /^src\/.*\.ts$/.test(file.path));

/** Files of src/ that may be longer than the rest, each with the reason. */
const longFiles: Record<string, string> = {
  "src/library/scenario-types.ts": "made of the schema of scenarios",
};

const fake = (path: string, ...lines: string[]): SourceFile => ({ path, text: lines.join("\n") });

describe("floors", () => {
  test("every import of src/ goes to its own floor or to one that the table allows", () => {
    expect(source.length).toBeGreaterThan(10);
    expect(floorViolations(source)).toEqual([]);
  });

  test("no floor allows one that stands above it", () => {
    const order = Object.keys(floors);
    for (const [floor, allowed] of Object.entries(floors))
      for (const entry of allowed) {
        const target = entry.replace(/^type /, "");
        // The one way up or across that has a reason of its own: a contract without code below it.
        if (floor === "runtime" && target === "kube/pod-sandbox.ts") continue;
        const index = order.findIndex((name) => name === target || target.startsWith(`${name}/`));
        const above = order.findIndex((name) => name.startsWith(`${target}/`));
        expect(Math.max(index, above), `${floor} allows ${entry}`).toBeGreaterThanOrEqual(0);
        expect(Math.max(index, above), `${floor} allows ${entry}`).toBeLessThan(
          order.indexOf(floor),
        );
      }
  });

  test.each([
    ["an import upwards", `import { a } from "../rib/loc-rib.ts";`, "may not import bgp/rib"],
    ["a type upwards", `import type { A } from "../../kube/object.ts";`, "may not import kube"],
    ["a re-export", `export { a } from "../../agent/agent.ts";`, "may not import agent"],
    ["a bare import", `import "../../agent/agent.ts";`, "may not import agent"],
    ["a dynamic import", `const a = await import("../../cli/main.ts");`, "may not import cli"],
    ["a computed import", "const a = await import(`./${name}.ts`);", "computed name"],
    ["out of src/", `import { a } from "../../../test/a.ts";`, "outside src/"],
    ["a package on a bare floor", `import { z } from "zod";`, "uses no package"],
    ["koffi away from home", `import koffi from "koffi";`, "only in src/sys"],
  ])("%s is found", (_, line, why) => {
    expect(floorViolations([fake("src/bgp/wire/open.ts", "", line)])).toEqual([
      expect.stringMatching(new RegExp(`^src/bgp/wire/open.ts:2: .*${why}`)),
    ]);
  });

  test("of a floor whose types alone are allowed, the types pass and nothing else does", () => {
    const types = `import type { PeerConfig } from "../bgp/speaker/config.ts";`;
    const values = `import { peer } from "../bgp/speaker/config.ts";`;
    expect(floorViolations([fake("src/cilium/compile.ts", types)])).toEqual([]);
    expect(floorViolations([fake("src/cilium/compile.ts", values)])).toHaveLength(1);
  });

  test("a folder that the table does not know is found", () => {
    expect(floorViolations([fake("src/attic/a.ts")])).toHaveLength(1);
    expect(floorViolations([fake("src/main.ts")])).toHaveLength(1);
  });
});

test("a bundle is named by all that it is made of: else an agent would run what its sources were once", () => {
  const reached = new Set(["agent"]);
  for (const folder of reached) {
    const files = source.filter(({ path }) => path.startsWith(`src/${folder}/`));
    for (const file of files.filter(({ path }) => !/\.test(kit)?\.ts$/.test(path))) {
      for (const { specifier } of importsOf(file)) {
        const [, of] = /^src\/([^/]+)\//.exec(join(dirname(file.path), specifier)) ?? [];
        if (specifier.startsWith(".") && of !== undefined) reached.add(of);
      }
    }
  }
  expect([...reached].sort()).toEqual(bundledFolders.toSorted());
});

describe("sans-I/O", () => {
  test("bgp/ and cilium/ hold no socket, timer, clock, chance or process", () => {
    expect(sansIoViolations(source)).toEqual([]);
  });

  test.each([
    `import { readFileSync } from "node:fs";`,
    `import type { Socket } from "node:net";`,
    `const now = Date.now();`,
    `const at = new Date();`,
    `setTimeout(retry, 10);`,
    `const pid = process.pid;`,
    `const at = performance.now();`,
    `const jitter = Math.random();`,
  ])("%s is found", (line) => {
    expect(sansIoViolations([fake("src/bgp/session/peer.ts", line)])).toHaveLength(1);
    expect(sansIoViolations([fake("src/cilium/compile.ts", line)])).toHaveLength(1);
    expect(sansIoViolations([fake("src/agent/agent.ts", line)])).toEqual([]);
  });

  test("prose is not taken for code", () => {
    const prose = ["/** Time: a Date of", " * performance. */", "// process.exit", `say("Date");`];
    expect(sansIoViolations([fake("src/bgp/session/peer.ts", ...prose)])).toEqual([]);
  });
});

describe("files", () => {
  test("none is too long without a reason", () => {
    expect(tooLong(source, longFiles)).toEqual([]);
  });

  test("a long one, and an exception that nothing needs, are found", () => {
    const long = fake("src/net/a.ts", ..."x".repeat(401));
    expect(tooLong([long], {})).toEqual(["src/net/a.ts: 401 lines, 400 are the most"]);
    expect(tooLong([long], { "src/net/a.ts": "a table" })).toEqual([]);
    expect(tooLong([], { "src/net/a.ts": "a table" })).toHaveLength(1);
  });

  test("none is named by nothing", () => {
    expect(vagueNames(source)).toEqual([]);
  });

  test.each(["src/net/utils.ts", "src/utils/net.ts", "src/net/index.ts", "src/net/helper.test.ts"])(
    "%s is found",
    (path) => {
      expect(vagueNames([fake(path)])).toHaveLength(1);
    },
  );
});

describe("the repository stands by itself", () => {
  test("no file mentions the founders' folder", () => {
    expect(planningMentions(project)).toEqual([]);
  });

  test("no lock file, npm setting or document names a package registry", () => {
    expect(registryMentions(project)).toEqual([]);
  });

  test("every link of a document leads to something", () => {
    expect(brokenLinks(project)).toEqual([]);
  });

  test("docs/labs.md leads to every lab", () => {
    const labs = project.flatMap(({ path }) => /^labs\/([^/]+)\/lab\.yaml$/.exec(path)?.[1] ?? []);
    expect(labs).toContain("rack-spine");
    const page = project.find(({ path }) => path === "docs/labs.md")!.text;
    expect(labs.filter((lab) => !page.includes(`(../labs/${lab}/README.md)`))).toEqual([]);
  });

  test("the lock file is complete", () => {
    const lock = project.find((file) => file.path === "package-lock.json");
    expect(lockGaps(JSON.parse(lock!.text) as Parameters<typeof lockGaps>[0])).toEqual([]);
  });

  test("each of these is found", () => {
    expect(planningMentions([fake("README.md", `see ../${"shared"}/design.md`)])).toHaveLength(1);
    expect(registryMentions([fake("docs/a.md", `https://registry.${"npmjs"}.org/`)])).toHaveLength(
      1,
    );
    expect(registryMentions([fake("package-lock.json", `"resolved": "x"`)])).toHaveLength(1);
    const files = [
      fake("README.md", "[a](docs/a.md) [b](docs/b.md#c)"),
      fake("docs/a.md", "[up](../docs)"),
    ];
    expect(brokenLinks(files)).toEqual(["README.md: links to docs/b.md, which is not there"]);
    const gap = { packages: { "node_modules/a": { optionalDependencies: { b: "1.0.0" } } } };
    expect(lockGaps(gap)).toEqual(["package-lock.json: node_modules/a wants b"]);
    const nested = { packages: { ...gap.packages, "node_modules/a/node_modules/b": {} } };
    expect(lockGaps(nested)).toEqual([]);
  });
});

test("imports of every form are seen, with their lines", () => {
  const file = fake(
    "src/net/a.ts",
    `import def from "a";`,
    `import type {`,
    `  B,`,
    `} from "b";`,
    `import * as c from 'c';`,
    `import "d";`,
    `export type { E } from "e";`,
    `export * from "f";`,
    `const g = await import("g");`,
    `// import { h } from "h";`,
    `const text = "import { i } from 'i'";`,
    `export const url = "from";`,
  );
  expect(importsOf(file).map((each) => [each.line, each.specifier, each.typeOnly])).toEqual([
    [1, "a", false],
    [2, "b", true],
    [5, "c", false],
    [6, "d", false],
    [7, "e", true],
    [8, "f", false],
    [9, "g", false],
  ]);
});
