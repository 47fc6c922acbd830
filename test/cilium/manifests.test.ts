import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { ciliumResources as schemas } from "../../src/cilium/schema/resources.ts";
import { systemClock } from "../../src/kube/clock.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { builtInResources } from "../../src/kube/server/built-in-resources.ts";
import { ciliumResources } from "../../src/kube/server/cilium-resources.ts";
import { KubeApi } from "../../src/kube/server/kube-api.ts";

/** Manifests of the shapes that Cilium's documentation and guides show: each is taken as it is, strictly. */
const folder = fileURLToPath(new URL("manifests/", import.meta.url));
const files = readdirSync(folder);
let api: KubeApi;
beforeAll(() => {
  const resources = [...builtInResources, ...ciliumResources];
  api = new KubeApi({ resources, clock: systemClock });
});

const objectsOf = (file: string) =>
  parseAllDocuments(readFileSync(`${folder}${file}`, "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );

test.for(files)("%s", (file) => {
  for (const object of objectsOf(file)) {
    const resource = [...builtInResources, ...ciliumResources].find(
      ({ kind }) => kind === object.kind,
    );
    if (resource === undefined) throw new Error(`no kind ${object.kind}`);
    const key = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
    const made = api.create(key, object, { fieldValidation: "Strict" });
    // Nothing of what was written is dropped or changed, but that null is as good as nothing.
    const written = JSON.stringify(object.spec ?? {}, (_, value: unknown) => value ?? undefined);
    expect(made.spec ?? {}).toMatchObject(JSON.parse(written) as object);
  }
});

test("there is one of every resource of Cilium's that is served", () => {
  const kinds = new Set(files.flatMap(objectsOf).map(({ kind }) => kind));
  const cilium = schemas.map(({ kind }) => kind);
  expect(cilium.filter((kind) => !kinds.has(kind))).toEqual([]);
});
