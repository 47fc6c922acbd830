import { expect, test } from "vitest";
import { filesFor } from "../input/files.testkit.ts";
import { formatDiagnostic } from "../input/diagnostic.ts";
import { validateFile } from "./validate-file.ts";

const topology = "topology: { nodes: { a: { kind: linux, image: x } } }\n";

test.each([
  ["a.clab.yaml", `name: t\n${topology}`, "topology"],
  ["lab.yaml", "name: t\ntopology: t.clab.yaml\n", "lab"],
  [
    "s.yaml",
    "name: s\nsteps: [{ name: a, expect: [{ session: { on: a, to: b } }] }]\n",
    "scenario",
  ],
  ["k.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nname: k\n", "cluster"],
  ["m.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: { name: blue }\n", "manifests"],
  ["sp.yaml", "localAsn: 65010\nrouterId: 10.0.0.1\n", "speaker"],
  [
    "t.jsonl",
    '{"atMs":0,"type":"down","tookMs":1}\n{"atMs":1,"type":"of a later version"}\n',
    "timeline",
  ],
])("%s is told by its fields, and is well", (name, text, kind) => {
  const path = filesFor({ [name]: text, "t.clab.yaml": `name: t\n${topology}` });
  expect(validateFile(path(name))).toEqual({ kind, mistakes: [] });
});

test.each([
  [
    "s.yaml",
    "name: s\nsteps:\n  - name: a\n    wihtin: 3s\n    expect: []\n",
    /s\.yaml:4: UnknownField steps\[0\]\.wihtin/,
  ],
  [
    "sp.yaml",
    "localAsn: 65010\nrouterId: 10.0.0.1\npeers:\n  - name: a\n    adress: b\n",
    /sp\.yaml:5: UnknownField peers\[0\]\.adress/,
  ],
  [
    "t.jsonl",
    '{"atMs":0,"type":"down","tookMs":1}\n{"atMs":0,"type":"down"}\n',
    /t\.jsonl:2: BadRecord tookMs/,
  ],
  ["t.jsonl", "no json\n", /t\.jsonl:1: BadRecord: /],
  ["x.yaml", "foo: bar\n", /x\.yaml:1: UnknownFile: .*\n {2}hint: it reads a lab/],
  ["x.yaml", "a: [\n", /x\.yaml:\d+: /],
])("mistakes of %s have their line", (name, text, expected) => {
  const path = filesFor({ [name]: text });
  const told = validateFile(path(name)).mistakes.map(formatDiagnostic).join("\n");
  expect(told).toMatch(expected);
});

test("a topology with containers of a cluster is whole with the cluster beside it", () => {
  const path = filesFor({
    "t.clab.yaml":
      "name: t\ntopology: { nodes: { s: { kind: linux, image: x, network-mode: container:k-worker } } }\n",
    "k.yaml":
      "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nname: k\nnodes: [{ role: control-plane }, { role: worker }]\n",
  });
  expect(validateFile(path("t.clab.yaml")).mistakes).toHaveLength(1);
  expect(validateFile(path("t.clab.yaml"), [path("k.yaml")]).mistakes).toEqual([]);
});
