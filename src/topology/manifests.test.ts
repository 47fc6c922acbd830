import { expect, test } from "vitest";
import type { Diagnostic } from "../input/diagnostic.ts";
import { filesFor, shown } from "../input/files.testkit.ts";
import { type Manifest, objectName, readManifests, type ValidateResource } from "./manifests.ts";

function read(text: string, validate: ValidateResource = () => ({ problems: [] })) {
  const diagnostics: Diagnostic[] = [];
  const file = filesFor({ "m.yaml": text })("m.yaml");
  const manifests = readManifests([file], validate, diagnostics);
  return { manifests, mistakes: shown({ diagnostics }) };
}

const names = (manifests: readonly Manifest[]) =>
  manifests.map(({ object, source }) => `${objectName(object)} :${source.split(":").at(-1)}`);

const daemonSet = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: nginx}
`;

test("documents and lists, with the lines they begin on and their namespaces", () => {
  const { manifests, mistakes } = read(`---
${daemonSet}---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: blue, namespace: ignored}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: 8080, namespace: blue}
---
apiVersion: cilium.io/v2
kind: CiliumBGPPeerConfig
metadata: {name: peer}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
`);
  expect(mistakes).toEqual([]);
  expect(names(manifests)).toEqual([
    "DaemonSet default/web :2",
    "Namespace blue :16",
    "ConfigMap blue/8080 :19",
    "CiliumBGPPeerConfig peer :23",
    "Widget w :27",
  ]);
});

test("problems of Cilium's schemas get lines; only objects of cilium.io are asked about", () => {
  const asked: unknown[] = [];
  const validate: ValidateResource = (object) => {
    asked.push((object as { kind: string }).kind);
    return {
      problems: [
        {
          path: "spec.bgpInstances[0].peers[1].peerASN",
          code: "WrongType",
          message: "expected a number",
          hint: "take the quotes away",
        },
        { path: "spec.nodeSelector", code: "MissingField", message: "is needed" },
      ],
    };
  };
  const { mistakes } = read(
    `${daemonSet}---
apiVersion: cilium.io/v2
kind: CiliumBGPClusterConfig
metadata: {name: rack0}
spec:
  bgpInstances:
  - name: one
    peers:
    - name: a
    - name: b
      peerASN: "65000"
`,
    validate,
  );
  expect(asked).toEqual(["CiliumBGPClusterConfig"]);
  expect(mistakes).toEqual([
    "m.yaml:21: WrongType spec.bgpInstances[0].peers[1].peerASN: expected a number\n  hint: take the quotes away",
    "m.yaml:15: MissingField spec.nodeSelector: is needed",
  ]);
});

test.each<[string, string, string[]]>([
  [
    "no object",
    "- a\n",
    [
      "m.yaml:1: WrongType: expected a Kubernetes object\n  hint: it begins with apiVersion, kind and metadata",
    ],
  ],
  [
    "nothing that every object has",
    "metadata: {labels: {}}\n",
    [
      "m.yaml:1: MissingField apiVersion: a Kubernetes object needs 'apiVersion'",
      "m.yaml:1: MissingField kind: a Kubernetes object needs 'kind'",
      "m.yaml:1: MissingField metadata.name: a Kubernetes object needs 'metadata.name'\n  hint: every object has a name",
    ],
  ],
  [
    "numbers where text is meant",
    "apiVersion: 1\nkind: true\nmetadata: {name: a}\n",
    [
      "m.yaml:1: WrongType apiVersion: expected text, not '1'",
      "m.yaml:2: WrongType kind: expected text, not 'true'",
    ],
  ],
  [
    "a misspelled kind",
    daemonSet.replace("DaemonSet", "DeamonSet"),
    [
      "m.yaml:2: UnknownKind kind: no kind 'DeamonSet' of apiVersion 'apps/v1'\n  hint: did you mean 'DaemonSet'?",
    ],
  ],
  [
    "a kind of another group",
    daemonSet.replace("apps/v1", "v1"),
    [
      "m.yaml:1: UnknownKind apiVersion: DaemonSet is not of apiVersion 'v1'\n  hint: write `apps/v1`",
    ],
  ],
  [
    "a name Kubernetes refuses",
    daemonSet.replace("{name: web}\n", "{name: Web_1}\n"),
    [
      "m.yaml:3: BadValue metadata.name: 'Web_1' is no name Kubernetes takes\n  hint: lower case letters, digits, '-' and '.', at most 253 of them",
    ],
  ],
  [
    "a selector that the template does not match",
    daemonSet.replace("labels: {app: web}", "labels: {app: wbe}"),
    [
      "m.yaml:5: SelectorMismatch spec.selector.matchLabels.app: the selector wants app=web, but the template has app=wbe\n  hint: selector.matchLabels and template.metadata.labels are the same",
    ],
  ],
  [
    "containers without image, with one name, with a number as command",
    daemonSet.replace(
      "      - {name: web, image: nginx}\n",
      "      - {name: web}\n      - {name: web, image: x, command: [sleep, 5]}\n",
    ),
    [
      "m.yaml:10: MissingField spec.template.spec.containers[0].image: a container needs 'image'",
      'm.yaml:11: WrongType spec.template.spec.containers[1].command: \'command\' is a list of texts\n  hint: such as ["sleep", "infinity"]; put numbers in quotes',
      "m.yaml:11: DuplicateName spec.template.spec.containers[1].name: another container is called 'web'",
    ],
  ],
  [
    "a pod without containers",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\n",
    ["m.yaml:4: MissingField spec.containers: a pod needs at least one container"],
  ],
  [
    "one object twice",
    `${daemonSet}---\n${daemonSet}`,
    [
      "m.yaml:12: DuplicateObject metadata.name: DaemonSet default/web is there twice: also m.yaml:1",
    ],
  ],
  ["an empty file", "\n", ["m.yaml: EmptyFile: is empty"]],
])("%s", (_, text, expected) => {
  expect(read(text).mistakes).toEqual(expected);
});
