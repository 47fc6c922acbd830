import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../manual-clock.ts";
import type { KubeObject } from "../object.ts";
import { builtInResources } from "./built-in-resources.ts";
import { DataFolder } from "./data-folder.ts";
import { KubeApi } from "./kube-api.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "spinelab-data-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A server's life, up to whatever ends it. */
function start(): KubeApi {
  const data = new DataFolder(folder);
  const api = new KubeApi({
    resources: builtInResources,
    clock: new ManualClock(1_800_000_000_000),
    kept: data.objects(),
  });
  data.follow(api, (error) => {
    throw error;
  });
  return api;
}

const service = (name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { ports: [{ port: 80 }], selector: { app: name } },
});
const everything = (api: KubeApi) =>
  Object.fromEntries(
    ["namespaces", "services", "configmaps", "nodes"].map((key) => [key, api.list(key)]),
  );

test("the next start has every object as it was: made, changed and gone", () => {
  const first = start();
  const web = first.create("services", service("web"));
  first.create("services", service("gone"));
  first.delete("services", { namespace: "default", name: "gone" });
  first.patch(
    "services",
    { namespace: "default", name: "web" },
    { metadata: { labels: { a: "b" } } },
    "merge",
  );
  const second = start();
  expect(everything(second)).toEqual(everything(first));
  expect(second.get("services", { namespace: "default", name: "web" })).toMatchObject({
    metadata: { uid: web.metadata.uid, labels: { a: "b" } },
  });
  // And the one after it, of what the second wrote anew.
  expect(everything(start())).toEqual(everything(first));
});

test("addresses of services are still taken, versions go on, and who watched must list again", () => {
  const first = start();
  const taken = (first.create("services", service("web")).spec as { clusterIP: string }).clusterIP;
  const { version } = first;
  const second = start();
  expect(second.version).toBeGreaterThanOrEqual(version);
  expect(() => second.since("services", version - 1)).toThrow(/too old resource version/);
  const wanted = service("thief");
  (wanted.spec as { clusterIP?: string }).clusterIP = taken;
  expect(() => second.create("services", wanted)).toThrow(/already allocated|in use|allocated/);
  const next = second.create("services", service("other"));
  expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(version);
});

test("a last line that a crash cut off is left out; a damaged one before it is told", () => {
  const first = start();
  first.create("services", service("web"));
  const journal = join(folder, "objects.jsonl");
  appendFileSync(journal, '{"resource":"services","put":{"metada');
  expect(everything(start())).toEqual(everything(first));
  writeFileSync(journal, `{"resource":\n${readFileSync(journal, "utf8")}`);
  expect(() => start()).toThrow(/objects\.jsonl:1: damaged/);
});

test("a journal of many changes is written anew, and holds no more than what is there", () => {
  const api = start();
  api.create("services", service("web"));
  for (let n = 0; n < 12_000; n++) {
    const labels = { n: String(n) };
    api.patch("services", { namespace: "default", name: "web" }, { metadata: { labels } }, "merge");
  }
  expect(readFileSync(join(folder, "objects.jsonl"), "utf8").split("\n").length).toBeLessThan(
    4_000,
  );
  expect(everything(start())).toEqual(everything(api));
});

test("secrets are made once, and are the owner's alone to read", () => {
  const make = (token: string) => () => ({ token, tls: { key: "k", cert: "c" } });
  expect(new DataFolder(folder).secrets(make("one")).token).toBe("one");
  expect(new DataFolder(folder).secrets(make("two")).token).toBe("one");
  expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "secrets.json")).isFile()).toBe(true);
});
