import type { Diagnostic } from "../../input/diagnostic.ts";
import {
  diagnosticAt,
  integer,
  object,
  optional,
  refined,
  mistake,
  type Of,
  type Shape,
} from "../../input/shape.ts";
import { parseYaml, readTextFile, type YamlDocument } from "../../input/yaml-file.ts";
import { leafSpineCluster, leafSpineTopology } from "./expand.ts";
import { type LeafSpine, leafSpineDefaults, leafSpineMistakes } from "./parameters.ts";

const count = optional(integer(0, 1_000_000));

const written = object(
  {
    racks: count,
    "nodes-per-rack": count,
    uplinks: count,
    spines: count,
    superspines: count,
  },
  "a leaf-spine fabric",
);

/** As the file words each number. */
export const leafSpineFields = {
  racks: "racks",
  nodesPerRack: "nodes-per-rack",
  uplinks: "uplinks",
  spines: "spines",
  superspines: "superspines",
} as const satisfies Record<keyof LeafSpine, keyof Of<typeof written>>;

/** The section `leaf-spine:` of a topology file. What is not written is as the defaults have it. */
export const leafSpineShape: Shape<LeafSpine> = refined(written, (of, at) => {
  const fabric = { ...leafSpineDefaults };
  for (const [name, field] of Object.entries(leafSpineFields)) {
    const value = of[field];
    if (value !== undefined) fabric[name as keyof LeafSpine] = value;
  }
  const [first, ...others] = leafSpineMistakes(fabric).map(({ name, message, hint }) => ({
    at: { ...at, path: `${at.path}.${leafSpineFields[name]}` },
    ...{ message: `${fabric[name]}: ${message}`, hint },
  }));
  if (first === undefined) return fabric;
  for (const each of [first, ...others]) mistake(each.at, "BadValue", each.message, each.hint);
  return undefined;
});

/** The document in the place of one with a section `leaf-spine:`, and its cluster's text; undefined where it has none. */
export function expandLeafSpine(
  document: YamlDocument,
  diagnostics: Diagnostic[],
): { document: YamlDocument; cluster: string } | "mistakes" | undefined {
  const { root, file } = document;
  const section = root.type === "map" ? root.entries.get("leaf-spine") : undefined;
  if (root.type !== "map" || section === undefined) return undefined;
  const at = { file, line: section.line, path: "leaf-spine", diagnostics };
  const both = root.entries.get("topology");
  if (both !== undefined) {
    const message = "a topology is written out or generated, not both";
    diagnostics.push(
      diagnosticAt({ ...at, line: both.line, path: "topology" }, "BadValue", message),
    );
  }
  const fabric = leafSpineShape(section, at);
  if (fabric === undefined || both !== undefined) return "mistakes";
  const generated = parseYaml(JSON.stringify(leafSpineTopology(fabric)), file, section.line);
  if ("diagnostics" in generated) throw new Error("a generated topology is no YAML");
  const entries = new Map(root.entries);
  entries.delete("leaf-spine");
  entries.set("topology", generated.documents[0]!.root);
  return {
    document: { ...document, root: { ...root, entries } },
    cluster: JSON.stringify(leafSpineCluster(fabric)),
  };
}

/** The numbers alone, of a topology file that has them. Mistakes go to `diagnostics`; undefined: it has none. */
export function readLeafSpine(file: string, diagnostics: Diagnostic[]): LeafSpine | undefined {
  const content = readTextFile(file);
  const parsed = "diagnostics" in content ? content : parseYaml(content.text, file);
  if ("diagnostics" in parsed) {
    diagnostics.push(...parsed.diagnostics);
    return undefined;
  }
  const { root } = parsed.documents[0]!;
  const section = root.type === "map" ? root.entries.get("leaf-spine") : undefined;
  if (section === undefined) return undefined;
  const at = { file, line: section.line, path: "leaf-spine", diagnostics };
  return leafSpineShape(section, at);
}
