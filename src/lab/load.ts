import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { validateResource } from "../cilium/schema/validate.ts";
import { type Diagnostic, EnvironmentError, InputError } from "../input/diagnostic.ts";
import { hintAtNames, nearest } from "../input/nearest.ts";
import { diagnosticAt, type Located } from "../input/shape.ts";
import type { KubeObject } from "../kube/object.ts";
import { readScenario } from "../scenario/schema/read.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import { type AllowFailure, buildFabric } from "../topology/fabric-build.ts";
import {
  type Fabric,
  findNode,
  type ObservedRouter,
  withObservedNodes,
} from "../topology/fabric.ts";
import { type LabFile, readLabFile } from "../topology/lab-file.ts";
import { type Manifest, readManifests } from "../topology/manifests.ts";
import { pictureOf } from "../topology/picture.ts";
import type { LabSpec, RuntimeChoice } from "./spec.ts";

/** What a lab is made from: a lab by name, or the files of one. */
export type LabSource = {
  name?: string | undefined;
  topology: string;
  clusters: readonly string[];
  manifests: readonly string[];
  scenario?: string | undefined;
  allowFailure?: readonly AllowFailure[];
  installRoutes?: boolean;
  observe?: readonly ObservedRouter[];
  /** The lab file that says all this, where there is one. */
  file?: string;
  /** Nodes that are not started with the lab. */
  stopped?: readonly Located<string>[];
};

export type LoadedLab = {
  spec: LabSpec;
  scenario: Scenario | undefined;
  /** What the input says that has no effect here. */
  notes: Diagnostic[];
};

/** Folders that hold labs: those of the current directory come before those of Spinelab. */
export function labFolders(): string[] {
  const own = fileURLToPath(new URL("../../labs", import.meta.url));
  return [...new Set([resolve("labs"), own])].filter((folder) => existsSync(folder));
}

/** Every lab there is, by name; one of the current directory hides one of Spinelab's. */
export function availableLabs(): Map<string, string> {
  const labs = new Map<string, string>();
  for (const folder of labFolders()) {
    for (const name of readdirSync(folder).sort()) {
      const file = join(folder, name, "lab.yaml");
      if (existsSync(file) && !labs.has(name)) labs.set(name, file);
    }
  }
  return labs;
}

/** The lab of that name, or of that lab.yaml or its folder. Throws InputError with every mistake in it. */
export function findLab(name: string): LabFile {
  const labs = availableLabs();
  const file =
    labs.get(name) ??
    [name, join(name, "lab.yaml")].find((path) => path.endsWith("lab.yaml") && existsSync(path));
  if (file === undefined) {
    const guess = nearest(name, labs.keys());
    throw new InputError([
      {
        file: name,
        line: 0,
        code: "UnknownLab",
        path: "",
        message: "there is no lab or command of this name",
        hint:
          guess === undefined
            ? `the labs are ${[...labs.keys()].join(", ")}; spinelab --help lists the commands`
            : `did you mean ${guess}?`,
      },
    ]);
  }
  const read = readLabFile(resolve(file));
  if ("diagnostics" in read) throw new InputError(read.diagnostics);
  return read.lab;
}

/** Reads and checks everything. Throws InputError with every mistake of every file. */
export function loadLab(
  source: LabSource,
  replay: string,
  runtime: RuntimeChoice = { kind: "netns" },
): LoadedLab {
  const diagnostics: Diagnostic[] = [];
  const manifests = readManifests(source.manifests, validateResource, diagnostics);
  const built = buildFabric({
    topology: source.topology,
    clusters: source.clusters,
    environment: process.env,
    ...(source.name === undefined ? {} : { name: source.name }),
    ...(source.allowFailure === undefined ? {} : { allowFailure: source.allowFailure }),
  });
  if ("diagnostics" in built) diagnostics.push(...built.diagnostics);
  const fabric = "fabric" in built ? observing(built.fabric, source, diagnostics) : undefined;
  const stopped = fabric ? stoppedNodes(source.stopped ?? [], fabric, runtime, diagnostics) : [];
  let scenario: Scenario | undefined;
  if (source.scenario !== undefined) {
    const read = readScenario(
      source.scenario,
      validateResource,
      fabric && { fabric: withObservedNodes(fabric), manifests },
    );
    if ("diagnostics" in read) diagnostics.push(...read.diagnostics);
    else scenario = read.scenario;
  }
  if (diagnostics.length > 0 || fabric === undefined) throw new InputError(diagnostics);
  return {
    spec: {
      name: fabric.name,
      runtime,
      fabric,
      picture: pictureOf(fabric),
      manifests: manifests as { object: KubeObject; source: string }[],
      replay,
      ...(source.installRoutes && { installRoutes: true }),
      ...(stopped.length > 0 && { stopped }),
    },
    scenario,
    notes: "notes" in built ? built.notes : [],
  };
}

function stoppedNodes(
  written: readonly Located<string>[],
  fabric: Fabric,
  runtime: RuntimeChoice,
  diagnostics: Diagnostic[],
): string[] {
  return written.flatMap(({ value, at }) => {
    const node = findNode(fabric, value);
    if (node === undefined) {
      const names = fabric.nodes.flatMap(({ name, aliases }) => [name, ...aliases]);
      const hint = hintAtNames(value, names);
      diagnostics.push(diagnosticAt(at, "UnknownNode", `no node '${value}'`, hint));
      return [];
    }
    if (node.kubernetes !== undefined && runtime.kind === "docker") {
      throw new EnvironmentError(
        `${value} cannot be left out at first on the docker runtime: kind starts every node of a cluster`,
        "use --runtime netns",
      );
    }
    return node.name;
  });
}

/** The fabric with the routers to look at, none of which may be called like a node. */
function observing(
  fabric: Fabric,
  { observe = [], file = "lab.yaml" }: LabSource,
  diagnostics: Diagnostic[],
): Fabric {
  for (const { name } of observe) {
    if (findNode(fabric, name) === undefined) continue;
    diagnostics.push({
      file,
      line: 0,
      code: "DuplicateName",
      path: `observe.${name}`,
      message: `the topology has a node of this name`,
      hint: "call the router that is looked at something else",
    });
  }
  return observe.length === 0 ? fabric : { ...fabric, observed: [...observe] };
}

/** A scenario for a lab that is up and has these objects, by `objectsNow`. Throws InputError with every mistake in it. */
export function loadScenario(
  file: string,
  fabric: Fabric,
  manifests: readonly { object: KubeObject; source: string }[],
): Scenario {
  const lab = {
    fabric: withObservedNodes(fabric),
    manifests: manifests as readonly Manifest[],
    isUp: true,
  };
  const read = readScenario(file, validateResource, lab);
  if ("diagnostics" in read) throw new InputError(read.diagnostics);
  return read.scenario;
}
