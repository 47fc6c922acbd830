import { expect, test, vi } from "vitest";
import { ManualClock } from "../manual-clock.ts";
import type { KubeObject } from "../object.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { KubeApi } from "../server/kube-api.ts";
import { GarbageCollector } from "./garbage-collector.ts";

const configMap = (name: string, owner?: KubeObject): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name,
    namespace: "default",
    ...(owner && {
      ownerReferences: [
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          name: owner.metadata.name,
          uid: owner.metadata.uid!,
        },
      ],
    }),
  },
});

function world() {
  const clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  const api = new KubeApi({ resources: builtInResources, clock });
  const make = (name: string, owner?: KubeObject) =>
    api.create("configmaps", configMap(name, owner));
  const names = () => api.list("configmaps").map(({ metadata }) => metadata.name);
  return { api, make, names };
}

test("one that goes costs work for its dependents, not for all", () => {
  const { api, make, names } = world();
  const owners = Array.from({ length: 300 }, (_, n) => make(`owner-${n}`));
  for (const [n, owner] of owners.entries()) make(`dependent-${n}`, owner);
  const garbage = new GarbageCollector(api);
  garbage.collect();
  api.subscribe((event) => garbage.note(event));
  api.delete("configmaps", owners[7]!.metadata);
  const looks = vi.spyOn(api, "find");
  const lists = vi.spyOn(api, "list");
  garbage.collect();
  expect(looks.mock.calls.length).toBeLessThan(5);
  expect(lists).not.toHaveBeenCalled();
  expect(names()).not.toContain("dependent-7");
  expect(names()).toHaveLength(598);
});

test("an owner that is gone before anybody looked, or was never there", () => {
  const { api, make, names } = world();
  const owner = make("owner");
  make("kept", owner);
  const gone = make("gone");
  make("left", gone);
  api.delete("configmaps", gone.metadata);
  const garbage = new GarbageCollector(api);
  api.subscribe((event) => garbage.note(event));
  make("late", gone);
  expect(garbage.hasWork).toBe(true);
  garbage.collect();
  expect(names()).toEqual(["kept", "owner"]);
});

test("with two owners it stays until both are gone", () => {
  const { api, make, names } = world();
  const garbage = new GarbageCollector(api);
  api.subscribe((event) => garbage.note(event));
  const [a, b] = [make("a"), make("b")];
  const both = configMap("both", a);
  both.metadata.ownerReferences!.push(configMap("x", b).metadata.ownerReferences![0]!);
  api.create("configmaps", both);
  api.delete("configmaps", a.metadata);
  garbage.collect();
  expect(names()).toContain("both");
  api.delete("configmaps", b.metadata);
  garbage.collect();
  expect(names()).toEqual([]);
});
