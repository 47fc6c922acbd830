import { expect, it } from "vitest";
import { isInBand, stateDifferences } from "./compare.ts";

const differ = (sim: string[], real: string[]) => stateDifferences({ tor0: sim }, { tor0: real });

it("finds a line that one side has not, and as often as it is missing", () => {
  const route = '10.0.0.0/24 spine0 "65000" IGP used';
  expect(differ([route], [route])).toEqual([]);
  expect(differ([route], [route, route])).toEqual([{ node: "tor0", real: route }]);
  expect(differ([route], [])).toEqual([{ node: "tor0", sim: route }]);
  expect(stateDifferences({}, { tor0: [route] })).toEqual([{ node: "tor0", real: route }]);
});

it("puts beside each other what is about the same", () => {
  const [up, down] = ["session ipv4-unicast net0 AS 65000 3/4", "session ipv4-unicast net0 down"];
  expect(differ([up], [down])).toEqual([{ node: "tor0", sim: up, real: down }]);
});

it.each([
  ["kernel 10.0.0.0/24 a,b", "kernel 10.0.0.0/24 a", true],
  ["kernel 10.0.0.0/24 a", "kernel 10.0.0.0/24 a,b", false],
  ["kernel 10.0.0.0/24 a,b", "kernel 10.0.0.0/24 c", false],
  ["path pod of x → pod of y: tor0, spine0", "path pod of x → pod of y: tor0, spine1", true],
  ["path pod of x → pod of y: tor0, spine0", "path pod of x → pod of y: tor0", false],
  ["session ipv4-unicast a down", "session ipv4-unicast a AS 65010 0/1", true],
  ["session ipv4-unicast a down", "session ipv4-unicast a AS 65010 3/1", false],
  ["ping pod of x → pod of y lost", "ping pod of x → pod of y answered", false],
])("%s beside %s: explained %s", (sim, real, isExplained) => {
  const found = differ([sim], [real]);
  expect(found).toHaveLength(1);
  expect(found.every(({ why }) => why !== undefined)).toBe(isExplained);
});

it("the band goes both ways", () => {
  expect(isInBand(0, 300)).toBe(true);
  expect(isInBand(0, 301)).toBe(false);
  expect(isInBand(2_300, 1_000)).toBe(true);
  expect(isInBand(2_301, 1_000)).toBe(false);
});
