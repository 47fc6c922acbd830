import { expect, test } from "vitest";
import { leafSpineDefaults } from "../topology/leaf-spine/parameters.ts";
import { UsageError } from "./exit.ts";
import { readScaleOptions, type WrittenOptions } from "./scale-options.ts";

const usual: WrittenOptions = { services: "1", lose: "spine0", seed: "1" };

function told(written: Partial<WrittenOptions>): string[] {
  try {
    readScaleOptions(leafSpineDefaults, { ...usual, ...written });
  } catch (error) {
    if (error instanceof UsageError) return error.message.split("\n");
    throw error;
  }
  return [];
}

test("the command line's numbers take the place of the file's", () => {
  const written = { racks: "750", nodesPerRack: "40", lose: "tor749", seed: "7", services: "0" };
  expect(readScaleOptions(leafSpineDefaults, written)).toEqual({
    fabric: { ...leafSpineDefaults, racks: 750, nodesPerRack: 40 },
    ...{ lose: "tor749", seed: 7, services: 0 },
  });
  expect(readScaleOptions(leafSpineDefaults, { ...usual, lose: "none" }).lose).toBeUndefined();
});

test("every mistake is told, each with what was expected", () => {
  const all = {
    racks: "x",
    spines: "2",
    uplinks: "4",
    services: "1.5",
    seed: "-1",
    lose: "spine99",
  };
  expect(told(all)).toEqual([
    "--racks x: expected a whole number from 1 to 4096",
    "--uplinks 4: more than there are spines, which are 2",
    "  hint: each uplink of a ToR leads to another spine",
    "--services 1.5: expected a whole number from 0 to 65535, as many as 10.48.0.0/16 has addresses for",
    "--seed -1: expected a whole number, 0 or more",
    "--lose spine99: no such router",
    "  hint: expected spineN, torN, superspineN or none",
  ]);
});

test.each([
  [{ lose: "leaf1" }, "--lose leaf1: no such router"],
  [{ lose: "tor2" }, "--lose tor2: no such router"],
  [{ lose: "tor02", racks: "3" }, "--lose tor02: no such router"],
  [
    { racks: "1000", nodesPerRack: "40" },
    "--racks 1000: with 40 nodes in each these are 40000 nodes",
  ],
  [{ superspines: "0" }, "--superspines 0: racks that share no spine cannot reach each other"],
])("%j", (written, first) => {
  expect(told(written)[0]).toBe(first);
});

test("routers that there are are told by name", () => {
  expect(told({ lose: "spine4" })[1]).toBe(
    "  hint: expected spine0 to spine3, tor0 to tor1, superspine0 to superspine1, or none",
  );
});
