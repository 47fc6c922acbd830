import { expect, test } from "vitest";
import type { Fabric } from "../topology/fabric.ts";
import { fabricChanges } from "./fabric-changes.ts";
import type { ScenarioEvent } from "./schema/types.ts";
import { FakeLab } from "./testing/fake-lab.ts";

const end = (node: string, name: string) => ({ node, interface: name });
const fabric = {
  nodes: [
    { name: "spine", aliases: [] },
    { name: "leaf", aliases: ["sidecar"] },
    { name: "other", aliases: [] },
  ],
  links: [
    { endpoints: [end("spine", "net0"), end("leaf", "net0")] },
    { endpoints: [end("spine", "net1"), end("other", "net0")] },
  ],
} as unknown as Fabric;
const lab = { fabric, runtime: new FakeLab().runtime };
const at = { source: "s.yaml:1", afterMs: 0 };
const event = (body: object) => ({ ...at, ...body }) as ScenarioEvent;

test("a link event changes the links it names, and taking it back changes them back", () => {
  const down = event({
    kind: "link",
    link: { between: [{ node: "leaf" }, { node: "spine" }] },
    set: "down",
  });
  const link = { a: end("spine", "net0"), b: end("leaf", "net0") };
  expect(fabricChanges(lab, down, false)).toEqual([{ link, state: "down" }]);
  expect(fabricChanges(lab, down, true)).toEqual([{ link, state: "up" }]);
});

test("a partition cuts the links between the two sides and no others", () => {
  const cut = event({ kind: "partition", isolate: ["sidecar"] });
  expect(fabricChanges(lab, cut, false)).toEqual([
    { link: { a: end("spine", "net0"), b: end("leaf", "net0") }, state: "down" },
  ]);
});

test("a node without its agent or a daemon is degraded until it runs again", () => {
  const agent = (action: string) => event({ kind: "agent", on: "leaf", action });
  expect(fabricChanges(lab, agent("kill"), false)).toEqual([{ node: "leaf", state: "degraded" }]);
  expect(fabricChanges(lab, agent("kill"), true)).toEqual([{ node: "leaf", state: "up" }]);
  expect(fabricChanges(lab, agent("restart"), false)).toEqual([{ node: "leaf", state: "up" }]);
  const pause = event({ kind: "node", on: "leaf", action: "pause" });
  expect(fabricChanges(lab, pause, false)).toEqual([{ node: "leaf", state: "paused" }]);
});

test("what leaves the fabric alone changes nothing in it", () => {
  expect(fabricChanges(lab, event({ kind: "apply", manifests: [] }), false)).toEqual([]);
});
