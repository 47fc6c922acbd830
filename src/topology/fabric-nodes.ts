import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Located, type Location, sourceOf } from "../input/shape.ts";
import type { ContainerlabNode, ContainerlabTopology } from "./containerlab.ts";
import type { Environment } from "./environment.ts";
import type { ContainerSettings, ExecLine, FabricNode } from "./fabric.ts";
import type { KindCluster, KindNode } from "./kind.ts";
import { splitShellWords } from "./shell-words.ts";

/** A node on the way into the fabric, with where each part of it was written. */
export type Draft = {
  node: FabricNode;
  at: Location;
  /** Of the file's own nodes: what the topology says. */
  written?: ContainerlabNode;
  /** Of a cluster's nodes: what kind says. */
  kind?: KindNode;
  /** One for each exec line, in order. */
  execAt: Location[];
  /** Which node of the file each exec line came from: the node itself or a sidecar. */
  execFrom: string[];
  hasManagement: boolean;
};

/** Nodes by name and by alias. */
export type Drafts = {
  all: Draft[];
  byName: Map<string, Draft>;
};

/**
 * The fabric's nodes: those of the topology file, then those of the clusters; sidecars and
 * ext-containers are merged into the nodes whose namespaces they share.
 */
export function draftNodes(
  topology: ContainerlabTopology,
  clusters: readonly KindCluster[],
  environment: Environment,
  diagnostics: Diagnostic[],
): Drafts {
  const drafts: Drafts = { all: [], byName: new Map() };
  const guests: ContainerlabNode[] = [];
  for (const written of topology.nodes) {
    checkNodeName(written, diagnostics);
    const mode = written.fields["network-mode"]?.value ?? "bridge";
    if (written.kind === "k8s-kind") continue;
    if (written.kind === "ext-container" || mode.startsWith("container:")) guests.push(written);
    else
      addNode(drafts, draftOf(written, mode, topology.file, environment, diagnostics), diagnostics);
  }
  for (const cluster of clusters) {
    for (const node of cluster.nodes) {
      addNode(drafts, draftOfKindNode(node, cluster.name.value), diagnostics);
    }
  }
  // Hosts are known now. A guest's own name becomes an alias only when all guests found theirs.
  const guestNames = new Map(guests.map((guest) => [guest.name, guest]));
  const hosts = guests.map((guest) => hostOf(guest, guestNames, drafts, topology, diagnostics));
  for (const [index, guest] of guests.entries()) {
    const host = hosts[index];
    if (host) addGuest(drafts, host, guest, topology.file, diagnostics);
  }
  return drafts;
}

function checkNodeName({ name, at }: ContainerlabNode, diagnostics: Diagnostic[]): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(name)) return;
  const message = `'${name}' is no name for a node`;
  const hint = "letters, digits, '-', '_' and '.', the first a letter or digit";
  diagnostics.push(diagnosticAt(at, "BadValue", message, hint));
}

function addNode(drafts: Drafts, draft: Draft, diagnostics: Diagnostic[]): void {
  claimName(drafts, draft.node.name, draft, draft.at, diagnostics);
  for (const alias of draft.node.aliases) claimName(drafts, alias, draft, draft.at, diagnostics);
  drafts.all.push(draft);
}

function claimName(
  drafts: Drafts,
  name: string,
  draft: Draft,
  at: Location,
  diagnostics: Diagnostic[],
): void {
  const other = drafts.byName.get(name);
  if (other === undefined) drafts.byName.set(name, draft);
  else if (other !== draft) {
    const message = `the name '${name}' belongs to another node: ${sourceOf(other.at)}`;
    diagnostics.push(diagnosticAt(at, "DuplicateName", message, "give one of them another name"));
  }
}

function draftOf(
  written: ContainerlabNode,
  networkMode: string,
  file: string,
  environment: Environment,
  diagnostics: Diagnostic[],
): Draft {
  const { name, fields, kind } = written;
  if (networkMode === "host") {
    const message = "network-mode 'host' would touch the host's network, which a lab never does";
    diagnostics.push(diagnosticAt(fields["network-mode"]!.at, "UnsupportedNetworkMode", message));
  } else if (networkMode !== "bridge" && networkMode !== "none") {
    const message = `no network-mode '${networkMode}'`;
    const hint = "one of bridge, none, container:NAME";
    diagnostics.push(diagnosticAt(fields["network-mode"]!.at, "BadValue", message, hint));
  }
  const node: FabricNode = {
    name,
    aliases: fields.aliases ?? [],
    kind: kind === "bridge" ? "bridge" : "linux",
    hostname: fields.hostname ?? name,
    exec: [],
    env: environmentOf(fields.env ?? {}, environment),
    sysctls: fields.sysctls ?? {},
    binds: [],
    labels: fields.labels ?? {},
  };
  if (fields.image !== undefined) node.image = fields.image;
  const container = containerOf(written, diagnostics);
  if (container) node.container = container;
  const hasManagement = kind !== "bridge" && networkMode === "bridge";
  const draft: Draft = { node, at: written.at, written, execAt: [], execFrom: [], hasManagement };
  if (kind !== "bridge") takeOver(draft, written, file, diagnostics);
  return draft;
}

function draftOfKindNode(kind: KindNode, cluster: string): Draft {
  const node: FabricNode = {
    name: kind.name,
    aliases: [],
    kind: "kubernetes",
    hostname: kind.name,
    exec: [],
    env: {},
    sysctls: {},
    binds: [],
    labels: {},
    kubernetes: {
      cluster,
      role: kind.role,
      labels: kind.labels,
      nodeAddresses: kind.nodeAddresses.map((each) => each.value),
      podCidrs: kind.podCidrs,
      taints: kind.taints,
    },
  };
  if (kind.image !== undefined) node.image = kind.image;
  return { node, at: kind.at, kind, execAt: [], execFrom: [], hasManagement: true };
}

/** The node whose namespaces a sidecar or ext-container is in. */
function hostOf(
  guest: ContainerlabNode,
  guests: ReadonlyMap<string, ContainerlabNode>,
  drafts: Drafts,
  topology: ContainerlabTopology,
  diagnostics: Diagnostic[],
): Draft | undefined {
  const mode = guest.fields["network-mode"];
  const isExternal = guest.kind === "ext-container";
  const wanted = isExternal ? guest.name : mode!.value.slice("container:".length);
  const at = isExternal ? guest.at : mode!.at;
  const names = [wanted, wanted.slice(containerPrefix(topology).length)];
  const host = drafts.byName.get(wanted) ?? (names[1] && drafts.byName.get(names[1]));
  if (host && host.node.kind !== "bridge") return host;
  const chained = isExternal ? undefined : (guests.get(wanted) ?? guests.get(names[1]!));
  if (chained) {
    const message = `'${wanted}' shares another container's network itself`;
    const its = chained.fields["network-mode"]?.value;
    const hint = chained === guest || its === undefined ? undefined : `write \`${its}\` here too`;
    diagnostics.push(diagnosticAt(at, "SidecarChain", message, hint));
    return undefined;
  }
  const near = hintAtNames(wanted, drafts.byName.keys());
  const hint = near?.startsWith("did")
    ? near
    : "a node of this file, or of a kind cluster file given with it (`clusters:` in lab.yaml, --cluster)";
  diagnostics.push(diagnosticAt(at, "UnknownContainer", `no container '${wanted}'`, hint));
  return undefined;
}

/** What stands before a node's name in its container's name: `clab-lab1-`. */
function containerPrefix(topology: ContainerlabTopology): string {
  const prefix = namePrefix(topology.prefix, topology.name.value);
  return prefix === "" ? "" : `${prefix}-`;
}

/** containerlab's `prefix` field: unset is `clab`, `__lab-name` and the empty text are special. */
export function namePrefix(written: string | undefined, lab: string): string {
  if (written === "") return "";
  return written === "__lab-name" ? lab : `${written ?? "clab"}-${lab}`;
}

function addGuest(
  drafts: Drafts,
  host: Draft,
  guest: ContainerlabNode,
  file: string,
  diagnostics: Diagnostic[],
): void {
  for (const alias of new Set([guest.name, ...(guest.fields.aliases ?? [])])) {
    if (alias === host.node.name) continue;
    claimName(drafts, alias, host, guest.at, diagnostics);
    host.node.aliases.push(alias);
  }
  host.node.env = { ...guest.fields.env, ...host.node.env };
  host.node.sysctls = { ...guest.fields.sysctls, ...host.node.sysctls };
  takeOver(host, guest, file, diagnostics);
}

/** Adds the exec lines and binds that the file gives a node or its sidecar. */
function takeOver(
  draft: Draft,
  written: ContainerlabNode,
  file: string,
  diagnostics: Diagnostic[],
): void {
  for (const line of written.fields.exec ?? []) {
    const exec = execLine(line, diagnostics);
    if (exec === undefined) continue;
    draft.node.exec.push(exec);
    draft.execAt.push(line.at);
    draft.execFrom.push(written.name);
  }
  for (const bind of written.fields.binds ?? []) {
    const read = readBind(bind, file, diagnostics);
    if (read) draft.node.binds.push(read);
  }
}

/** What the file says for a container engine only; undefined where it says nothing of it. */
function containerOf(
  { fields, at }: ContainerlabNode,
  diagnostics: Diagnostic[],
): ContainerSettings | undefined {
  const { cmd, entrypoint, user, healthcheck, ports = [] } = fields;
  const added = fields["cap-add"] ?? [];
  const said = [cmd, entrypoint, user, healthcheck];
  if (said.every((each) => each === undefined) && ports.length + added.length === 0)
    return undefined;
  const words = (field: string, text: string): string[] => {
    const split = splitShellWords(text);
    if (!("unfinished" in split)) return split.words;
    const message = `'${field}' has ${split.unfinished}`;
    diagnostics.push(diagnosticAt(at, "BadCommand", message));
    return [];
  };
  return {
    ...(cmd !== undefined && { command: words("cmd", cmd) }),
    ...(entrypoint !== undefined && { entrypoint: words("entrypoint", entrypoint) }),
    ...(user !== undefined && { user }),
    ports: ports.map((port) => port.value),
    capabilities: added.map((capability) => capability.value.replace(/^CAP_/i, "").toUpperCase()),
    ...(healthcheck && {
      health: {
        test: healthcheck.test,
        intervalSeconds: healthcheck.interval ?? 30,
        timeoutSeconds: healthcheck.timeout ?? 30,
        retries: healthcheck.retries ?? 3,
        startPeriodSeconds: healthcheck["start-period"] ?? 0,
      },
    }),
  };
}

function execLine(line: Located<string>, diagnostics: Diagnostic[]): ExecLine | undefined {
  const split = splitShellWords(line.value);
  if ("unfinished" in split) {
    const message = `the command has ${split.unfinished}`;
    diagnostics.push(diagnosticAt(line.at, "BadCommand", message));
    return undefined;
  }
  if (split.words.length === 0) {
    diagnostics.push(diagnosticAt(line.at, "BadCommand", "the command is empty"));
    return undefined;
  }
  const source = sourceOf(line.at);
  return { command: line.value, argv: split.words, source, allowFailure: false };
}

/** Docker's `source:destination[:options]`; a relative source is beside the topology file. */
function readBind(
  bind: Located<string>,
  file: string,
  diagnostics: Diagnostic[],
): FabricNode["binds"][number] | undefined {
  const [source, destination, options = ""] = bind.value.split(":");
  if (!source || !destination?.startsWith("/")) {
    const message = `expected SOURCE:DESTINATION[:ro], not '${bind.value}'`;
    diagnostics.push(diagnosticAt(bind.at, "BadValue", message, "DESTINATION begins with '/'"));
    return undefined;
  }
  const home = source.replace(/^~(?=\/|$)/, homedir());
  const path = resolve(dirname(file), home);
  if (!existsSync(path)) {
    diagnostics.push(diagnosticAt(bind.at, "MissingFile", `no file or folder ${path}`));
  }
  return { source: path, destination, readOnly: options.split(",").includes("ro") };
}

/** `__IMPORT_ENVS: true` brings in all variables of Spinelab's own environment. */
function environmentOf(
  written: Readonly<Record<string, string>>,
  environment: Environment,
): Record<string, string> {
  const { __IMPORT_ENVS: importAll, ...own } = written;
  if (importAll !== "true") return { ...written };
  const set = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(set), ...own };
}
