import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { type Diagnostic, inFileOrder } from "../input/diagnostic.ts";
import { nearest } from "../input/nearest.ts";
import {
  type At,
  boolean,
  diagnosticAt,
  list,
  located,
  type Located,
  mistake,
  object,
  oneOrMore,
  optional,
  parsed,
  readShape,
  record,
  refined,
  text,
} from "../input/shape.ts";
import { readYamlFile } from "../input/yaml-file.ts";
import type { AllowFailure } from "./fabric-build.ts";
import type { ObservedRouter } from "./fabric.ts";

/** `labs/NAME/lab.yaml`: what belongs to one lab. All paths are absolute. */
export type LabFile = {
  file: string;
  name: string;
  summary?: string;
  /** A containerlab topology file. */
  topology: string;
  /** kind cluster files. */
  clusters: string[];
  manifests: string[];
  scenario?: string;
  allowFailure: AllowFailure[];
  /** Routers that are there already, for checks to look at. */
  observe: ObservedRouter[];
  /** The agents put the routes they learn into the kernel's, which Cilium's cannot. */
  installRoutes?: boolean;
  /** Nodes that are not started with the lab: the scenario does, and so they join. */
  stopped: Located<string>[];
};

/** A path beside the lab file that must be there. */
const path = refined(text("the path of a file"), (written: string, at: At) => {
  const full = resolve(dirname(at.file), written);
  if (existsSync(full)) return full;
  const near = nearest(basename(full), filesIn(dirname(full)));
  const hint =
    near === undefined
      ? "paths are relative to the lab file"
      : `did you mean '${written.slice(0, written.length - basename(full).length)}${near}'?`;
  return mistake(at, "MissingFile", `no file '${written}'`, hint);
});

/** A password in it would be in process lists and shell histories: there is no place for one. */
const sshAddress = parsed(
  "an SSH address: [USER@]HOST[:PORT]",
  (written) =>
    /^(?:ssh:\/\/)?(?:[^\s/@:]+@)?(?:[^\s/@:[\]-][^\s/@:[\]]*|\[[0-9a-fA-F:.]+\])(?::\d+)?$/.test(
      written,
    )
      ? written
      : undefined,
  "such as admin@192.0.2.1, or a Host of ~/.ssh/config; keys, not passwords",
);

/** In which `~/` is the user's folder; it need not be there before it is used. */
const filePath = refined(text("the path of a file"), (written: string, at: At) =>
  written.startsWith("~/")
    ? resolve(homedir(), written.slice(2))
    : resolve(dirname(at.file), written),
);

const observedShape = object(
  {
    ssh: sshAddress,
    jump: optional(sshAddress),
    identity: optional(filePath),
    knownHosts: optional(filePath),
    become: optional(
      oneOrMore(text("a word before each command, such as sudo"), "a list of words"),
    ),
  },
  "a router that is looked at",
);

export const labShape = object(
  {
    name: parsed(
      "a lab's name",
      (written) => (/^[a-z0-9][a-z0-9._-]*$/.test(written) ? written : undefined),
      "lower case letters, digits, '-', '_' and '.', the first a letter or digit",
    ),
    summary: optional(text()),
    topology: path,
    clusters: optional(list(path, "a list of kind cluster files")),
    manifests: optional(list(path, "a list of manifest files")),
    scenario: optional(path),
    allowFailure: optional(
      list(
        located(
          object(
            { node: text("the name of a node"), exec: text("an exec line, or a pattern with *") },
            "an item of allowFailure",
          ),
        ),
        "a list of items with node and exec",
      ),
    ),
    installRoutes: optional(boolean),
    observe: optional(record(observedShape, "a mapping from names to routers")),
    stopped: optional(list(located(text("the name of a node")), "a list of nodes")),
  },
  "a lab",
);

export function readLabFile(file: string): { lab: LabFile } | { diagnostics: Diagnostic[] } {
  const content = readYamlFile(file);
  if ("diagnostics" in content) return content;
  const diagnostics: Diagnostic[] = [];
  const [document, second] = content.documents;
  if (second) {
    const at = { file, line: second.root.line, path: "" };
    diagnostics.push(diagnosticAt(at, "BadValue", "a lab file holds one document, not several"));
  }
  const read = readShape(labShape, document!, diagnostics);
  if (read === undefined || diagnostics.length > 0) {
    return { diagnostics: inFileOrder(diagnostics) };
  }
  const lab: LabFile = {
    file,
    name: read.name,
    topology: read.topology,
    clusters: read.clusters ?? [],
    manifests: read.manifests ?? [],
    allowFailure: (read.allowFailure ?? []).map(withPlace),
    observe: Object.entries(read.observe ?? {}).map(([name, of]) => ({ name, ...of })),
    stopped: read.stopped ?? [],
  };
  if (read.summary !== undefined) lab.summary = read.summary;
  if (read.installRoutes !== undefined) lab.installRoutes = read.installRoutes;
  if (read.scenario !== undefined) lab.scenario = read.scenario;
  return { lab };
}

function withPlace({ value, at }: Located<{ node: string; exec: string }>): AllowFailure {
  return { node: value.node, exec: value.exec, at };
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
