import { expect, test } from "vitest";
import { filesFor, shown } from "../input/files.testkit.ts";
import { readLabFile } from "./lab-file.ts";

test("a lab, its paths relative to the file", () => {
  const path = filesFor({
    "lab.yaml": `name: rack-spine
summary: One spine, two racks.
topology: topo.yaml
clusters: [kind.yaml]
manifests:
  - a.yaml
scenario: s.yaml
allowFailure:
  - node: tor0
    exec: ip link del *
installRoutes: true
observe:
  edge1: { ssh: "admin@192.0.2.1:2222", identity: id, become: sudo }
`,
    "topo.yaml": "",
    "kind.yaml": "",
    "a.yaml": "",
    "s.yaml": "",
  });
  expect(readLabFile(path("lab.yaml"))).toEqual({
    lab: {
      file: path("lab.yaml"),
      name: "rack-spine",
      stopped: [],
      summary: "One spine, two racks.",
      topology: path("topo.yaml"),
      clusters: [path("kind.yaml")],
      manifests: [path("a.yaml")],
      scenario: path("s.yaml"),
      installRoutes: true,
      observe: [
        {
          name: "edge1",
          ssh: "admin@192.0.2.1:2222",
          identity: path("id"),
          become: ["sudo"],
        },
      ],
      allowFailure: [
        {
          node: "tor0",
          exec: "ip link del *",
          at: { file: path("lab.yaml"), line: 9, path: "allowFailure[0]" },
        },
      ],
    },
  });
});

test("every mistake at once", () => {
  const path = filesFor({
    "lab.yaml": "name: Rack Spine\ntopologie: x\nmanifests: [bpg.yaml]\nscenario: none.yaml\n",
    "bgp.yaml": "",
  });
  expect(shown(readLabFile(path("lab.yaml")))).toEqual([
    "lab.yaml:1: BadValue name: expected a lab's name, not 'Rack Spine'\n  hint: lower case letters, digits, '-', '_' and '.', the first a letter or digit",
    "lab.yaml:1: MissingField: a lab needs 'topology'",
    "lab.yaml:2: UnknownField topologie: a lab has no field 'topologie'\n  hint: did you mean 'topology'?",
    "lab.yaml:3: MissingFile manifests[0]: no file 'bpg.yaml'\n  hint: did you mean 'bgp.yaml'?",
    "lab.yaml:4: MissingFile scenario: no file 'none.yaml'\n  hint: paths are relative to the lab file",
  ]);
});

test("a lab file that is not there", () => {
  expect(shown(readLabFile("/nope/lab.yaml"))).toEqual([
    "/nope/lab.yaml: UnreadableFile: no such file\n  hint: is the path right?",
  ]);
});
