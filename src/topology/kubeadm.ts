import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Located, type Location, mistake, type Shape } from "../input/shape.ts";
import { parseYaml, type YamlMap, type YamlNode } from "../input/yaml-file.ts";
import { type Address, parseAddress } from "../net/address.ts";
import type { KubernetesMember } from "./fabric.ts";

/** One document of `kubeadmConfigPatches`: YAML written as a text inside the cluster file. */
export type KubeadmPatch = { kind: string; at: Location; root: YamlMap };

const patchKinds = [
  "InitConfiguration",
  "JoinConfiguration",
  "ClusterConfiguration",
  "KubeletConfiguration",
  "KubeProxyConfiguration",
];

export const embeddedPatch: Shape<KubeadmPatch[]> = (node, at) => {
  if (node.type !== "scalar" || typeof node.value !== "string") {
    const hint = "begin the patch with `- |` and indent what follows";
    return mistake(at, "WrongType", "expected a patch as text", hint);
  }
  const parsed = parseYaml(node.text, at.file, node.textLine);
  if ("diagnostics" in parsed) {
    const inPatch = parsed.diagnostics.map((each) => ({
      ...each,
      line: each.line === 0 ? at.line : each.line,
      path: each.path === "" ? at.path : `${at.path}.${each.path}`,
    }));
    at.diagnostics.push(...inPatch);
    return undefined;
  }
  return parsed.documents.flatMap(({ root }) => {
    const { file, path } = at;
    const kind = root.type === "map" ? root.entries.get("kind") : undefined;
    if (root.type !== "map" || kind?.type !== "scalar") {
      const message = "a patch needs 'kind', which says what it is merged into";
      mistake(at, "MissingField", message, "such as `kind: JoinConfiguration`");
      return [];
    }
    if (!patchKinds.includes(kind.text)) {
      const message = `kubeadm has no kind '${kind.text}'`;
      const place = { ...at, line: kind.line, path: `${path}.kind` };
      mistake(place, "UnknownKind", message, hintAtNames(kind.text, patchKinds));
      return [];
    }
    return [{ kind: kind.text, at: { file, line: root.line, path }, root }];
  });
};

export type NodeRegistration = {
  labels: Record<string, string>;
  nodeAddresses: Located<Address>[];
  /** Undefined: kubeadm's default. */
  taints?: KubernetesMember["taints"];
};

/** What `nodeRegistration` of the patches says, later patches winning. */
export function nodeRegistrationOf(
  patches: readonly KubeadmPatch[],
  at: Location,
  diagnostics: Diagnostic[],
): NodeRegistration {
  const result: NodeRegistration = { labels: {}, nodeAddresses: [] };
  for (const patch of patches) {
    const registration = patch.root.entries.get("nodeRegistration");
    if (registration?.type !== "map") continue;
    const path = `${patch.at.path}.nodeRegistration`;
    const place = (node: YamlNode, field: string) => ({
      file: at.file,
      line: node.line,
      path: `${path}.${field}`,
    });
    const taints = registration.entries.get("taints");
    if (taints) result.taints = readTaints(taints, place(taints, "taints"), diagnostics);
    const extraArgs = registration.entries.get("kubeletExtraArgs");
    for (const [name, value] of extraArgs ? extraArguments(extraArgs) : []) {
      if (value.type !== "scalar") continue;
      const where = place(value, `kubeletExtraArgs.${name}`);
      if (name === "node-ip") result.nodeAddresses = readAddresses(value.text, where, diagnostics);
      if (name === "node-labels") {
        Object.assign(result.labels, readLabels(value.text, where, diagnostics));
      }
      if (name === "register-with-taints") {
        result.taints = parseTaints(value.text, where, diagnostics);
      }
    }
  }
  return result;
}

/**
 * kube-controller-manager's `node-monitor-grace-period`: how long a node may be silent before it counts
 * as lost. Undefined: the default.
 */
export function nodeMonitorGracePeriodOf(
  patches: readonly KubeadmPatch[],
  diagnostics: Diagnostic[],
): number | undefined {
  let found: number | undefined;
  for (const { kind, root, at } of patches) {
    const manager = root.entries.get("controllerManager");
    const extraArgs = manager?.type === "map" ? manager.entries.get("extraArgs") : undefined;
    if (kind !== "ClusterConfiguration" || !extraArgs) continue;
    for (const [name, value] of extraArguments(extraArgs)) {
      if (name !== "node-monitor-grace-period" || value.type !== "scalar") continue;
      found = durationMs(value.text);
      if (found !== undefined) continue;
      const path = `${at.path}.controllerManager.extraArgs.${name}`;
      const place = { file: at.file, line: value.line, path };
      const message = `expected a duration, not '${value.text}'`;
      diagnostics.push(diagnosticAt(place, "BadValue", message, "such as 40s or 1m30s"));
    }
  }
  return found;
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As Go writes durations, in milliseconds; undefined where it is none above 0. */
function durationMs(written: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(written)) return undefined;
  const parts = [...written.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  const sum = parts.reduce((ms, [, number, unit]) => ms + Number(number) * unitsMs[unit!]!, 0);
  return sum > 0 ? sum : undefined;
}

/** kubeadm v1beta3 writes arguments as a mapping, v1beta4 as a list of name and value. */
function extraArguments(node: YamlNode): [string, YamlNode][] {
  if (node.type === "map") return [...node.entries];
  if (node.type !== "list") return [];
  return node.items.flatMap((item): [string, YamlNode][] => {
    if (item.type !== "map") return [];
    const [name, value] = [item.entries.get("name"), item.entries.get("value")];
    return name?.type === "scalar" && value ? [[name.text, value]] : [];
  });
}

function readAddresses(
  written: string,
  at: Location,
  diagnostics: Diagnostic[],
): Located<Address>[] {
  return written.split(",").flatMap((each) => {
    const value = parseAddress(each.trim());
    if (value !== undefined) return [{ value, at }];
    const message = `expected an IP address, not '${each.trim()}'`;
    diagnostics.push(diagnosticAt(at, "BadValue", message));
    return [];
  });
}

/** Kubernetes: 63 characters at most, beginning and ending with a letter or digit. */
const labelValuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const labelKeyPattern = /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

function readLabels(
  written: string,
  at: Location,
  diagnostics: Diagnostic[],
): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const each of written.split(",").filter((part) => part.trim() !== "")) {
    const [key, value, more] = each.trim().split("=");
    if (value === undefined || more !== undefined) {
      const message = `expected labels as KEY=VALUE, not '${each.trim()}'`;
      diagnostics.push(diagnosticAt(at, "BadValue", message, 'such as "rack=rack0,zone=a"'));
    } else if (!labelKeyPattern.test(key!) || !labelValuePattern.test(value)) {
      const message = `'${each.trim()}' is no label Kubernetes takes`;
      const hint = "letters, digits, '-', '_' and '.', at most 63 of them";
      diagnostics.push(diagnosticAt(at, "BadValue", message, hint));
    } else labels[key!] = value;
  }
  return labels;
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** `key=value:Effect,key:Effect`. */
function parseTaints(
  written: string,
  at: Location,
  diagnostics: Diagnostic[],
): KubernetesMember["taints"] {
  return written.split(",").flatMap((each) => {
    const match = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(each.trim());
    if (!match || !effects.includes(match[3]!)) {
      const message = `expected taints as KEY[=VALUE]:EFFECT, not '${each.trim()}'`;
      diagnostics.push(diagnosticAt(at, "BadValue", message, `effects: ${effects.join(", ")}`));
      return [];
    }
    const [, key, value, effect] = match;
    return [{ key: key!, ...(value && { value }), effect: effect! }];
  });
}

function readTaints(
  node: YamlNode,
  at: Location,
  diagnostics: Diagnostic[],
): KubernetesMember["taints"] {
  if (node.type !== "list") {
    diagnostics.push(diagnosticAt(at, "WrongType", "expected a list of taints"));
    return [];
  }
  return node.items.flatMap((item) => {
    const field = (name: string) => {
      const value = item.type === "map" ? item.entries.get(name) : undefined;
      return value?.type === "scalar" && value.value !== null ? value.text : undefined;
    };
    const [key, value, effect] = [field("key"), field("value"), field("effect")];
    if (key === undefined || effect === undefined || !effects.includes(effect)) {
      const message = "a taint needs 'key' and an 'effect'";
      const place = { ...at, line: item.line };
      diagnostics.push(diagnosticAt(place, "BadValue", message, `effects: ${effects.join(", ")}`));
      return [];
    }
    return [{ key, ...(value && { value }), effect }];
  });
}
