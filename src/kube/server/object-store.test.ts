import { expect, test } from "vitest";
import type { KubeObject } from "../object.ts";
import { ObjectStore } from "./object-store.ts";

const pod = (name: string, phase = "Pending"): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  status: { phase },
});

test("every change gets the next version; what is stored is frozen", () => {
  const store = new ObjectStore(100);
  const stored = store.put("pods", pod("a"));
  expect(stored.metadata.resourceVersion).toBe("101");
  expect(() => (stored.metadata.labels = {})).toThrow(TypeError);
  expect(store.remove("pods", "default", "a")?.metadata.resourceVersion).toBe("102");
  expect(store.remove("pods", "default", "a")).toBeUndefined();
  expect(store.version).toBe(102);
});

test("lists one namespace or all, sorted, whatever the names have in common", () => {
  const store = new ObjectStore(0);
  for (const [namespace, name] of [
    ["b", "x"],
    ["a", "z"],
    ["a", "y"],
    ["ab", "w"],
  ] as const) {
    store.put("pods", { ...pod(name), metadata: { name, namespace } });
  }
  const names = (namespace?: string) =>
    store.list("pods", namespace).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  expect(names()).toEqual(["a/y", "a/z", "ab/w", "b/x"]);
  expect(names("a")).toEqual(["a/y", "a/z"]);
});

test("a watch resumes from any version that is still known, and from no other", () => {
  const store = new ObjectStore(0);
  for (let i = 0; i < 12_000; i++) store.put("pods", pod("a", String(i)));
  expect(store.since("pods", 11_998).map(({ version }) => version)).toEqual([11_999, 12_000]);
  expect(store.since("nodes", 11_998)).toEqual([]);
  expect(() => store.since("pods", 1)).toThrow(/too old resource version/);
  expect(() => store.since("pods", 12_001)).toThrow(/too old resource version/);
});

test("a listener that writes does not put later listeners out of order", () => {
  const store = new ObjectStore(0);
  store.subscribe(({ type, object }) => {
    if (type === "ADDED") store.put("pods", { ...object, status: { phase: "Running" } });
  });
  const seen: string[] = [];
  store.subscribe(({ type, version }) => seen.push(`${type} ${version}`));
  store.put("pods", pod("a"));
  expect(seen).toEqual(["ADDED 1", "MODIFIED 2"]);
});
