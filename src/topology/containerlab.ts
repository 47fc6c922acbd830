import { dirname, resolve } from "node:path";
import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Located, type Location, type Of, readShape } from "../input/shape.ts";
import { parseYaml, readTextFile } from "../input/yaml-file.ts";
import {
  fieldsWithoutEffect,
  type NodeFields,
  nodeFields,
  topologyShape,
} from "./containerlab-fields.ts";
import { type SupportedKind, supportedKinds, vendorKinds } from "./containerlab-kinds.ts";
import { type ContainerlabLink, linkShape } from "./containerlab-links.ts";
import { type Environment, substituteEnvironment } from "./environment.ts";
import { inheritFields } from "./inherit.ts";
import { expandLeafSpine } from "./leaf-spine/read.ts";

/** A containerlab topology file as read: inheritance resolved, names of other nodes not looked up. */
export type ContainerlabTopology = {
  file: string;
  name: Located<string>;
  /** As written; undefined: containerlab's default, `clab`. */
  prefix?: string;
  management: NonNullable<Of<typeof topologyShape>["mgmt"]>;
  nodes: ContainerlabNode[];
  links: ContainerlabLink[];
  /** The kind cluster of a generated fabric, as a file would have it. */
  generatedCluster?: string;
};

export type ContainerlabNode = {
  name: string;
  at: Location;
  kind: SupportedKind;
  fields: NodeFields;
};

/** Reads the file; mistakes go to `diagnostics`, fields that have no effect here to `notes`. */
export function readContainerlab(
  file: string,
  environment: Environment,
  diagnostics: Diagnostic[],
  notes: Diagnostic[],
): ContainerlabTopology | undefined {
  if (file.endsWith(".gotmpl")) {
    const message = "is a Go template, which only containerlab itself fills in";
    const hint = "give the topology file that comes out of it";
    diagnostics.push({ file, line: 0, code: "UnsupportedFile", path: "", message, hint });
    return undefined;
  }
  const content = readTextFile(file);
  const parsed =
    "diagnostics" in content
      ? content
      : parseYaml(substituteEnvironment(content.text, environment), file);
  if ("diagnostics" in parsed) {
    diagnostics.push(...parsed.diagnostics);
    return undefined;
  }
  const [document, second] = parsed.documents;
  if (second) {
    const at = { file, line: second.root.line, path: "" };
    diagnostics.push(
      diagnosticAt(at, "BadValue", "a topology file holds one document, not several"),
    );
  }
  const generated = expandLeafSpine(document!, diagnostics);
  if (generated === "mistakes") return undefined;
  const read = readShape(topologyShape, generated?.document ?? document!, diagnostics);
  if (read === undefined) return undefined;
  const { nodes = {}, kinds = {}, groups = {}, defaults = {}, links = [] } = read.topology;

  for (const [kind, { at }] of Object.entries(kinds)) checkKind(kind, at, diagnostics);
  const levels = { kinds, groups, defaults };
  return {
    file,
    name: read.name,
    ...prefixOf(document!.root),
    management: read.mgmt ?? {},
    nodes: Object.entries(nodes).flatMap(([name, { value, at }]) => {
      const fields = inheritFields(value, levels, diagnostics);
      notes.push(...notesOn(fields, at));
      const kind = kindOf(name, fields, at, diagnostics);
      return kind === undefined ? [] : [{ name, at, kind, fields: expandVariables(name, fields) }];
    }),
    links: links.flatMap(({ value, at }) => linkShape(value, { ...at, diagnostics }) ?? []),
    ...(generated && { generatedCluster: generated.cluster }),
  };

  /** `prefix:` with nothing after it is the empty prefix. */
  function prefixOf(root: (typeof document & object)["root"]): { prefix?: string } {
    const written = root.type === "map" ? root.entries.get("prefix") : undefined;
    return written?.type === "scalar" ? { prefix: written.text } : {};
  }

  function expandVariables(name: string, fields: NodeFields): NodeFields {
    const labFolder = resolve(dirname(file), `clab-${read!.name.value}`);
    const expand = (text: string) =>
      text
        .replaceAll("__clabNodeName__", name)
        .replaceAll("__clabNodeDir__", `${labFolder}/${name}`)
        .replaceAll("__clabDir__", labFolder);
    const expandLine = ({ value, at }: Located<string>) => ({ value: expand(value), at });
    return {
      ...fields,
      ...(fields.exec && { exec: fields.exec.map(expandLine) }),
      ...(fields.binds && { binds: fields.binds.map(expandLine) }),
      ...(fields["startup-config"] && { "startup-config": expandLine(fields["startup-config"]) }),
    };
  }
}

function kindOf(
  name: string,
  fields: NodeFields,
  at: Location,
  diagnostics: Diagnostic[],
): SupportedKind | undefined {
  if (fields.kind === undefined) {
    const message = `node '${name}' needs a kind`;
    diagnostics.push(diagnosticAt(at, "MissingField", message, "add `kind: linux`"));
    return undefined;
  }
  const kind = checkKind(fields.kind.value, fields.kind.at, diagnostics);
  return kind;
}

function checkKind(
  kind: string,
  at: Location,
  diagnostics: Diagnostic[],
): SupportedKind | undefined {
  const supported = supportedKinds.find((each) => each === kind);
  if (supported) return supported;
  const report = (code: string, message: string, hint?: string) => {
    diagnostics.push(diagnosticAt(at, code, message, hint));
    return undefined;
  };
  if (kind === "host") {
    return report(
      "UnsupportedKind",
      "kind 'host' would touch the host's network, which a lab never does",
    );
  }
  if (vendorKinds.includes(kind)) {
    const message = `kind '${kind}' is not supported yet: routers here run FRR`;
    return report("UnsupportedKind", message, `supported: ${supportedKinds.join(", ")}`);
  }
  return report("UnknownKind", `no kind '${kind}'`, hintAtNames(kind, supportedKinds));
}

function notesOn(fields: NodeFields, at: Location): Diagnostic[] {
  return Object.entries(fieldsWithoutEffect)
    .filter(([field]) => fields[field as keyof typeof nodeFields] !== undefined)
    .map(([field, why]) => {
      const path = `${at.path}.${field}`;
      return diagnosticAt({ ...at, path }, "NoEffect", `'${field}' has no effect here`, why);
    });
}
