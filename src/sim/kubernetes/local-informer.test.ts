import { expect, it } from "vitest";
import { builtInResources } from "../../kube/server/built-in-resources.ts";
import { KubeApi } from "../../kube/server/kube-api.ts";
import { ManualClock } from "../../kube/manual-clock.ts";
import type { ResourceKey } from "../../kube/server/resource.ts";
import { World } from "../world.ts";
import { LocalInformer } from "./local-informer.ts";

it("hears of what is chosen, comes to be chosen and is chosen no more, and of nothing else", async () => {
  const world = new World(() => 0.5);
  const { clock } = world;
  const api = new KubeApi({ resources: builtInResources, clock: new ManualClock(0) });
  const nodes = "nodes" as ResourceKey;
  const node = (name: string, rack: string) => ({
    ...{ apiVersion: "v1", kind: "Node", metadata: { name, labels: { rack } } },
  });
  const label = (name: string, rack: string) =>
    api.patch(nodes, { name }, { metadata: { labels: { rack } } }, "merge");
  api.create(nodes, node("a", "1"));
  api.create(nodes, node("b", "2"));
  const place = { world, api, isUp: () => true, run: (what: () => void) => what() };
  const informer = new LocalInformer(place, nodes, { labelSelector: "rack=1" });
  const heard: string[] = [];
  for (const change of ["add", "update", "delete"] as const) {
    informer.on(change, (object: { metadata: { name: string } }) =>
      heard.push(`${change} ${object.metadata.name}`),
    );
  }
  const started = informer.start();
  const hear = () => {
    while (clock.step());
    return heard.splice(0);
  };
  // Before it has heard of anything, and all the same.
  label("a", "2");
  label("b", "1");
  expect(hear()).toEqual(["add a", "delete a", "add b"]);
  await started;
  api.create(nodes, node("c", "3"));
  label("c", "4");
  expect(clock.nextMs).toBeUndefined();
  label("c", "1");
  label("b", "1");
  expect(hear()).toEqual(["add c"]);
  api.delete(nodes, { name: "c" });
  expect(hear()).toEqual(["delete c"]);
  expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["b"]);
});
