import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { customResourceDefinitions } from "./definitions.ts";
import { type StructuralSchema, structuralSchema } from "./structural.ts";
import { ciliumResources } from "./resources.ts";
import { validateResource } from "./validate.ts";

/** kubectl and helm read YAML 1.1, in which a bare Yes is true. */
const yamlOfKubectl = { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false } as const;

const deploy = new URL("../../../deploy/", import.meta.url);

const text = (rules: boolean) =>
  [
    "# Made from the schemas in src/cilium/schema by `make golden`.",
    ...customResourceDefinitions({ rules }).map((each) => stringify(each, yamlOfKubectl).trimEnd()),
  ].join("\n---\n") + "\n";

test.each(["", "helm/spinelab/files/"])(
  "the definitions in deploy/%s are what the schemas say",
  (folder) => {
    for (const [name, rules] of [
      ["crds.yaml", true],
      ["before-1.25/crds.yaml", false],
    ] as const) {
      const file = new URL(folder + name, deploy);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text(rules));
      // `make golden` writes them anew.
      expect({ name, current: readFileSync(file, "utf8") === text(rules) }).toEqual({
        name,
        current: true,
      });
    }
  },
);

test("only the definitions for newer servers have CEL rules", () => {
  expect(text(true).match(/x-kubernetes-validations/g)).toHaveLength(20);
  expect(text(false)).not.toContain("x-kubernetes-validations");
});

/** What apiextensions.k8s.io/v1 demands of a structural schema, as far as these use it. */
function offences(schema: StructuralSchema, path: string): string[] {
  const wrong: string[] = [];
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (schema.type === undefined) wrong.push(`${path}: no type`);
  if ("additionalProperties" in schema && schema.properties) wrong.push(`${path}: both`);
  if (schema.type === "array" && !schema.items) wrong.push(`${path}: no items`);
  if (schema.type === "object" && !open && !schema.properties && !schema.additionalProperties) {
    if (path !== "$.metadata") wrong.push(`${path}: nothing may be in it`);
  }
  for (const name of schema.required ?? []) {
    if (!schema.properties?.[name]) wrong.push(`${path}: requires ${name}, which it has not`);
    if (schema.properties?.[name]?.["default"] !== undefined)
      wrong.push(`${path}.${name}: default`);
  }
  for (const key of (schema["x-kubernetes-list-map-keys"] as string[] | undefined) ?? []) {
    if (!schema.items?.required?.includes(key)) wrong.push(`${path}: key ${key} is optional`);
  }
  for (const keyword of ["$schema", "$ref", "const", "nullable", "exclusiveMinimum", "not"]) {
    if (keyword in schema) wrong.push(`${path}: ${keyword}`);
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    wrong.push(...offences(field, `${path}.${name}`));
  }
  if (schema.items) wrong.push(...offences(schema.items, `${path}[]`));
  if (schema.additionalProperties)
    wrong.push(...offences(schema.additionalProperties, `${path}{}`));
  return wrong;
}

test.each(
  ciliumResources.flatMap(({ kind, versions }) =>
    versions.map(({ name, schema }) => ({ kind, name, schema })),
  ),
)("$kind $name is structural", ({ schema }) => {
  expect(offences(structuralSchema(schema), "$")).toEqual([]);
});

test("fields as Cilium's definitions have them", () => {
  const find = (kind: string) => {
    const { versions } = ciliumResources.find((each) => each.kind === kind)!;
    return structuralSchema(versions[0]!.schema).properties!["spec"]!.properties!;
  };
  const instances = find("CiliumBGPClusterConfig")["bgpInstances"]!;
  expect(instances).toMatchObject({
    type: "array",
    minItems: 1,
    maxItems: 16,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  });
  expect(instances.items!.properties!["localASN"]).toEqual({
    type: "integer",
    format: "int64",
    minimum: 1,
    maximum: 4294967295,
  });
  const peer = find("CiliumBGPPeerConfig");
  expect(peer["timers"]!.properties!["connectRetryTimeSeconds"]).toEqual({
    type: "integer",
    format: "int32",
    default: 120,
    minimum: 1,
    maximum: 2147483647,
  });
  expect(peer["timers"]!["x-kubernetes-validations"]).toEqual([
    {
      rule: "self.keepAliveTimeSeconds <= self.holdTimeSeconds",
      message: "keepAliveTimeSeconds can not be larger than holdTimeSeconds",
    },
  ]);
  const advertisement = find("CiliumBGPAdvertisement")["advertisements"]!.items!.properties!;
  const attributes = advertisement["attributes"]!.properties!;
  expect(attributes["localPreference"]).toEqual({ type: "integer", format: "int64" });
  const node = find("CiliumBGPNodeConfigOverride")["bgpInstances"]!.items!.properties!;
  expect(node["localPort"]).toEqual({ type: "integer", format: "int32" });
  expect(node["routerID"]).toEqual({ type: "string", format: "ipv4" });
});

/** A pattern and the check it stands for must say the same of every text. */
test.each([
  [
    "standard",
    ["0", "65535:65535", "4294967295", "1:0"],
    ["4294967296", "65536:1", "01", "1:2:3", ""],
  ],
  ["large", ["1:2:3", "4294967295:0:0"], ["1:2", "4294967296:0:0", "1:2:3 ", "-1:0:0"]],
])("pattern of %s communities", (kind, right, wrong) => {
  const { versions } = ciliumResources.find((each) => each.kind === "CiliumBGPAdvertisement")!;
  let at = structuralSchema(versions[0]!.schema).properties!["spec"]!.properties![
    "advertisements"
  ]!;
  for (const name of ["attributes", "communities", kind]) at = (at.items ?? at).properties![name]!;
  const pattern = new RegExp(String(at.items!["pattern"]), "u");
  const accepted = (community: string) =>
    validateResource({
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "a" },
      spec: {
        advertisements: [
          { advertisementType: "PodCIDR", attributes: { communities: { [kind]: [community] } } },
        ],
      },
    }).problems.length === 0;
  expect(right.filter((each) => !pattern.test(each) || !accepted(each))).toEqual([]);
  expect(wrong.filter((each) => pattern.test(each) || accepted(each))).toEqual([]);
});

test("pattern of addresses", () => {
  const { versions } = ciliumResources.find((each) => each.kind === "CiliumBGPClusterConfig")!;
  const spec = structuralSchema(versions[0]!.schema).properties!["spec"]!;
  const peers = spec.properties!["bgpInstances"]!.items!.properties!["peers"]!;
  const pattern = new RegExp(String(peers.items!.properties!["peerAddress"]!["pattern"]), "u");
  const right = ["10.0.0.1", " 10.0.0.1 ", "fd00::1", "fe80::1%eth0", "::ffff:1.2.3.4"];
  expect(right.filter((each) => !pattern.test(each))).toEqual([]);
  const wrong = ["10.0.0.256", "10.0.0", "tor0", "", "10.0.0.1/24", "fd00::1%"];
  expect(wrong.filter((each) => pattern.test(each))).toEqual([]);
});
