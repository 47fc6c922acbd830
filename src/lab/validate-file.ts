import { hostname } from "node:os";
import { parseDocument } from "yaml";
import { parseSpeakerConfig } from "../bgp/speaker/config-file.ts";
import { validateResource } from "../cilium/schema/validate.ts";
import { type Diagnostic, InputError } from "../input/diagnostic.ts";
import {
  readTextFile,
  readYamlFile,
  type YamlDocument,
  type YamlNode,
} from "../input/yaml-file.ts";
import { readScenario } from "../scenario/schema/read.ts";
import { timelineRecord } from "../timeline/schema.ts";
import { buildFabric } from "../topology/fabric-build.ts";
import { readKindCluster } from "../topology/kind.ts";
import { readManifests } from "../topology/manifests.ts";
import { findLab, loadLab } from "./load.ts";

/** Every kind of file that there is to check, and how each is told from the others. */
export const fileKinds = {
  lab: "a lab: `topology:` with the path of a file",
  topology: "a containerlab topology: `topology:` with nodes and links",
  cluster: "a kind cluster: apiVersion kind.x-k8s.io/…",
  manifests: "Kubernetes manifests: apiVersion and kind",
  scenario: "a scenario: `steps:`",
  speaker: "a speaker's configuration: `localAsn:` and `peers:`",
  timeline: "a timeline: a .jsonl file",
} as const;

export type FileKind = keyof typeof fileKinds;

/**
 * Every mistake of a file, whatever kind it is. A lab is checked with all that belongs to it, a
 * topology with those of the files `beside` it that are kind clusters.
 */
export function validateFile(
  file: string,
  beside: readonly string[] = [],
): { kind: FileKind | undefined; mistakes: Diagnostic[] } {
  if (file.endsWith(".jsonl")) return { kind: "timeline", mistakes: timelineMistakes(file) };
  const content = readYamlFile(file);
  if ("diagnostics" in content) return { kind: undefined, mistakes: content.diagnostics };
  const kind = kindOf(content.documents);
  if (kind === undefined) return { kind, mistakes: [unknownKind(file, content.documents[0]!)] };
  return { kind, mistakes: [...mistakesOf(kind, file, beside)] };
}

function kindOf(documents: readonly YamlDocument[]): FileKind | undefined {
  const [first] = documents;
  if (first?.root.type !== "map") return undefined;
  const { entries } = first.root;
  const topology = entries.get("topology");
  if (topology !== undefined) return topology.type === "map" ? "topology" : "lab";
  if (entries.has("steps")) return "scenario";
  if (textOf(entries.get("apiVersion")).startsWith("kind.x-k8s.io/")) return "cluster";
  if (entries.has("apiVersion") || entries.has("kind")) return "manifests";
  if (entries.has("localAsn") || entries.has("peers")) return "speaker";
  return undefined;
}

function isCluster(file: string): boolean {
  const content = readYamlFile(file);
  return "documents" in content && kindOf(content.documents) === "cluster";
}

function textOf(node: YamlNode | undefined): string {
  return node?.type === "scalar" ? node.text : "";
}

function unknownKind(file: string, { root }: YamlDocument): Diagnostic {
  return {
    file,
    line: root.line,
    code: "UnknownFile",
    path: "",
    message: "this is no kind of file that Spinelab reads",
    hint: `it reads ${Object.values(fileKinds).join("; ")}`,
  };
}

function mistakesOf(
  kind: FileKind,
  file: string,
  beside: readonly string[],
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  switch (kind) {
    case "lab":
      return mistakesOfLab(file);
    case "topology": {
      const clusters = beside.filter(isCluster);
      const built = buildFabric({ topology: file, clusters, environment: process.env });
      return "diagnostics" in built ? built.diagnostics : [];
    }
    case "scenario": {
      const read = readScenario(file, validateResource);
      return "diagnostics" in read ? read.diagnostics : [];
    }
    case "cluster":
      readKindCluster(file, diagnostics);
      return diagnostics;
    case "manifests":
      readManifests([file], validateResource, diagnostics);
      return diagnostics;
    case "speaker":
      return speakerMistakes(file);
    case "timeline":
      return timelineMistakes(file);
  }
}

/** Of a lab and every file that it names. */
export function mistakesOfLab(nameOrFile: string): readonly Diagnostic[] {
  try {
    loadLab(findLab(nameOrFile), "");
    return [];
  } catch (error) {
    if (error instanceof InputError) return error.diagnostics;
    throw error;
  }
}

function speakerMistakes(file: string): Diagnostic[] {
  const content = readYamlFile(file);
  if ("diagnostics" in content) return content.diagnostics;
  const [document] = content.documents;
  const text = readTextFile(file);
  if ("diagnostics" in text) return text.diagnostics;
  const config = parseSpeakerConfig(parseDocument(text.text).toJS(), hostname());
  if (!Array.isArray(config)) return [];
  return config.map((problem) => ({ file, line: document!.lineOf(problem.path), ...problem }));
}

function timelineMistakes(file: string): Diagnostic[] {
  const content = readTextFile(file);
  if ("diagnostics" in content) return content.diagnostics;
  const lines = content.text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.flatMap((line, index) => {
    const mistake = (path: string, message: string): Diagnostic => ({
      ...{ file, line: index + 1, code: "BadRecord", path, message },
    });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      return [mistake("", (error as Error).message)];
    }
    const read = timelineRecord.safeParse(value);
    // Of an unknown type it may be, from a later version; what is known must be whole.
    if (read.success || !isKnownType(value)) return [];
    const { type } = value as { type?: unknown };
    const closest = timelineRecord.options.find((each) => each.shape.type.value === type);
    const [issue] = (closest ?? timelineRecord).safeParse(value).error?.issues ?? [];
    return [mistake(issue?.path.join(".") ?? "", issue?.message ?? "no record")];
  });
}

const knownTypes = new Set(timelineRecord.options.map((each) => each.shape.type.value as string));

function isKnownType(value: unknown): boolean {
  const { type } = (value ?? {}) as { type?: unknown };
  return typeof type !== "string" || knownTypes.has(type);
}
