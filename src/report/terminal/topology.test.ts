import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { TopologyPicture } from "../../timeline/record.ts";
import { fabricStateAt } from "../fabric-state.ts";
import { golden } from "../testdata/golden.ts";
import { rackSpinePicture } from "../testdata/rack-spine.ts";
import { drawTopology } from "./topology.ts";

function fabric(spines: number, leaves: number, nodesPerLeaf: number): TopologyPicture {
  const picture: TopologyPicture = { nodes: [], links: [] };
  const add = (name: string, role: "spine" | "leaf" | "kubernetes", note: string) =>
    picture.nodes.push({ name, role, notes: [note], aliases: [] });
  for (let s = 0; s < spines; s++) add(`spine${s}`, "spine", "AS 65000");
  for (let l = 0; l < leaves; l++) {
    add(`leaf${l}`, "leaf", `AS 6501${l}`);
    for (let s = 0; s < spines; s++) {
      picture.links.push({
        a: { node: `spine${s}`, interface: `eth${l + 1}` },
        b: { node: `leaf${l}`, interface: `eth${s + 1}` },
      });
    }
    for (let n = 0; n < nodesPerLeaf; n++) {
      const name = `w${l}-${n}`;
      add(name, "kubernetes", "10.1.0.0/24");
      picture.links.push({
        a: { node: `leaf${l}`, interface: `eth${10 + n}` },
        b: { node: name, interface: "net0" },
      });
    }
  }
  return picture;
}

function text(lines: string[]): string {
  return `${lines.join("\n")}\n`;
}

test.each([120, 100, 78, 50])("golden: rack-spine in %d columns", (columns) => {
  const drawn = text(drawTopology(rackSpinePicture, columns));
  expect(drawn).toBe(golden(`topology.${columns}.txt`, drawn));
});

test("golden: a link down, a node degraded, in ASCII", () => {
  const state = fabricStateAt([
    { atMs: 1, change: { link: rackSpinePicture.links[1]!, state: "down" } },
    { atMs: 1, change: { link: rackSpinePicture.links[2]!, state: "impaired" } },
    { atMs: 2, change: { node: "kind-worker3", state: "degraded" } },
  ]);
  const look = { color: false, unicode: false };
  const drawn = text(drawTopology(rackSpinePicture, 100, { state, look }));
  expect(drawn).toBe(golden("topology.state.ascii.txt", drawn));
});

test("golden: two spines cross", () => {
  const drawn = text(drawTopology(fabric(2, 3, 2), 110));
  expect(drawn).toBe(golden("topology.dual.txt", drawn));
});

test("a list says the state of links and nodes too", () => {
  const state = fabricStateAt([
    { atMs: 1, change: { link: rackSpinePicture.links[0]!, state: "down" } },
    { atMs: 2, change: { node: "tor1", state: "paused" } },
  ]);
  const list = drawTopology(rackSpinePicture, 30, { state }).join(" ").replaceAll(/\s+/g, " ");
  expect(list).toContain("net0 – tor0:net0 (down)");
  expect(list).toContain("tor1 leaf paused");
});

test("links that the rows cannot show are said below", () => {
  const picture = fabric(1, 2, 1);
  picture.links.push({
    a: { node: "leaf0", interface: "eth9" },
    b: { node: "leaf1", interface: "eth9" },
  });
  expect(drawTopology(picture, 100).at(-1)).toBe("leaf0:eth9 – leaf1:eth9");
});

test("any fabric fits its columns, and every node is in it", () => {
  const sizes = fc.tuple(fc.nat(3), fc.nat(4), fc.nat(3), fc.integer({ min: 20, max: 160 }));
  fc.assert(
    fc.property(sizes, ([spines, leaves, nodesPerLeaf, columns]) => {
      const picture = fabric(spines, leaves, nodesPerLeaf);
      const lines = drawTopology(picture, columns);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      for (const node of picture.nodes) expect(lines.join("\n")).toContain(node.name);
    }),
  );
});

test("nothing at all", () => {
  expect(drawTopology({ nodes: [], links: [] }, 80)).toEqual([]);
});
