import type { KubeApi } from "./kube-api.ts";
import { apiVersionOf, type ResourceDefinition } from "./resource.ts";

/** What is served, in the forms clients ask for: lists of old, one document in aggregated form. */
const readVerbs = ["get", "list", "watch"];
const changeVerbs = ["patch", "update"];
const writeVerbs = ["create", "delete", "deletecollection", ...changeVerbs];

const verbsOf = (definition: ResourceDefinition) =>
  [...readVerbs, ...(definition.fixedSet ? changeVerbs : writeVerbs)].sort();

type Subresource = { name: string; group: string; version: string; kind: string; verbs: string[] };

function subresourcesOf(definition: ResourceDefinition, version: string): Subresource[] {
  const own = { group: definition.group, version, kind: definition.kind };
  const found: Subresource[] = definition.subresources.map((name) => ({
    name,
    ...(name === "scale" ? { group: "autoscaling", version: "v1", kind: "Scale" } : own),
    verbs: ["get", "patch", "update"],
  }));
  if (definition.kind !== "Pod") return found;
  const core = { group: "", version: "v1" };
  return [
    ...found,
    { name: "binding", ...core, kind: "Binding", verbs: ["create"] },
    { name: "exec", ...core, kind: "PodExecOptions", verbs: ["create", "get"] },
    { name: "log", ...core, kind: "Pod", verbs: ["get"] },
  ];
}

/** GET /apis/GROUP/VERSION and /api/VERSION; undefined where there is none such. */
export function resourceList(api: KubeApi, group: string, version: string): object | undefined {
  const found = resourcesOf(api, group, version);
  if (found.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf(found[0]!, version),
    resources: found.flatMap((one) => [
      {
        name: one.plural,
        singularName: one.singular,
        namespaced: one.namespaced,
        kind: one.kind,
        verbs: verbsOf(one),
        ...(one.shortNames.length > 0 && { shortNames: one.shortNames }),
        ...(one.categories.length > 0 && { categories: one.categories }),
      },
      ...subresourcesOf(one, version).map((sub) => ({
        name: `${one.plural}/${sub.name}`,
        singularName: "",
        namespaced: one.namespaced,
        ...(sub.group !== one.group && { group: sub.group, version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ]),
  };
}

/** GET /apis/GROUP; undefined where there is none such. */
export function groupOf(api: KubeApi, group: string): object | undefined {
  const versions = versionsOf(api, group).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  if (versions.length === 0 || group === "") return undefined;
  return {
    kind: "APIGroup",
    apiVersion: "v1",
    name: group,
    versions,
    preferredVersion: versions[0],
  };
}

/** GET /apis. */
export function groupList(api: KubeApi): object {
  const groups = namedGroups(api).map((group) => groupOf(api, group));
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** GET /api. */
export const coreVersions = () => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [],
});

/** The `v=` of an Accept header that takes APIGroupDiscoveryList; undefined where it takes none. */
export function aggregatedVersion(accept: string | undefined): "v2" | "v2beta1" | undefined {
  const match = /g=apidiscovery\.k8s\.io;v=(v2beta1|v2);as=APIGroupDiscoveryList/.exec(
    accept ?? "",
  );
  return match?.[1] as "v2" | "v2beta1" | undefined;
}

/** GET /api and /apis in aggregated form: every group with its resources at once. */
export function aggregated(api: KubeApi, root: "api" | "apis", version: "v2" | "v2beta1"): object {
  const groups = root === "api" ? [""] : namedGroups(api);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versionsOf(api, group).map((one) => ({
        version: one,
        freshness: "Current",
        resources: resourcesOf(api, group, one).map((definition) => ({
          resource: definition.plural,
          responseKind: { group, version: one, kind: definition.kind },
          scope: definition.namespaced ? "Namespaced" : "Cluster",
          singularResource: definition.singular,
          verbs: verbsOf(definition),
          ...(definition.shortNames.length > 0 && { shortNames: definition.shortNames }),
          ...(definition.categories.length > 0 && { categories: definition.categories }),
          subresources: subresourcesOf(definition, one).map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        })),
      })),
    })),
  };
}

/** `@v1.0` in what kubectl asks for; in an answer Go could not read that. */
const openApiV2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/**
 * GET /openapi/v2: no schemas. kubectl asks for it before it writes a `kind: List`, and checks by it only what it
 * has a schema of; the server checks each object of the list.
 */
export function openApiV2(accept: string | undefined) {
  if (accept?.replace("@", ".").includes(openApiV2Protobuf)) {
    // A message without fields is no octets.
    return { code: 200, contentType: openApiV2Protobuf, body: Buffer.alloc(0) };
  }
  const info = { title: "Kubernetes", version: "unversioned" };
  return { code: 200, body: { swagger: "2.0", info, paths: {}, definitions: {} } };
}

/** GET /openapi/v3: where each group's document is. */
export function openApiPaths(api: KubeApi): object {
  const roots = ["", ...namedGroups(api)].flatMap((group) =>
    versionsOf(api, group).map((version) => openApiRoot(group, version)),
  );
  return {
    paths: Object.fromEntries(
      roots.map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }]),
    ),
  };
}

/**
 * GET /openapi/v3/apis/GROUP/VERSION: the schemas of custom resources, which `kubectl explain` shows, and what
 * kubectl looks up before it writes, namely that PATCH of each kind takes fieldValidation and dryRun.
 */
export function openApiDocument(api: KubeApi, group: string, version: string): object | undefined {
  const found = resourcesOf(api, group, version);
  if (found.length === 0) return undefined;
  const parameters = ["dryRun", "fieldValidation", "fieldManager"].map((name) => ({
    name,
    in: "query",
    schema: { type: "string", uniqueItems: true },
  }));
  const paths = found.map(({ namespaced, plural, kind }) => [
    `/${openApiRoot(group, version)}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}/{name}`,
    {
      patch: {
        parameters,
        responses: {},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": { group, version, kind },
      },
    },
  ]);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "unversioned" },
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(found.flatMap((one) => schemaOf(one, version))) },
  };
}

/** Named as an API server names those of custom resources: `io.cilium.v2.CiliumNode`. */
function schemaOf(definition: ResourceDefinition, version: string): [string, object][] {
  const { group, kind, schema } = definition;
  if (schema === undefined) return [];
  const name = [...group.split(".").toReversed(), version, kind].join(".");
  return [
    [name, { ...schema(version), "x-kubernetes-group-version-kind": [{ group, version, kind }] }],
  ];
}

const openApiRoot = (group: string, version: string) =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

const resourcesOf = (api: KubeApi, group: string, version: string) =>
  api.resources.filter((one) => one.group === group && one.versions.includes(version));

const namedGroups = (api: KubeApi) => [
  ...new Set(api.resources.map((one) => one.group).filter((group) => group !== "")),
];

const versionsOf = (api: KubeApi, group: string) => [
  ...new Set(api.resources.filter((one) => one.group === group).flatMap((one) => one.versions)),
];
