/**
 * Label and field selectors: the text form of query strings and the object form of specs, both as
 * lists of requirements that must all hold.
 */
export type Requirement = {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  values: string[];
};

/** metav1.LabelSelector, also the shape of a NodeSelectorTerm's expressions. */
export type LabelSelector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};

/** The selector is not one; the message is fit for a Status. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/** `a=b, c!=d, e in (x,y), f notin (z), g, !h` (labels.Parse of apimachinery). */
export function parseLabelSelector(text: string): Requirement[] {
  const found: Requirement[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const match =
      /^(?:!\s*(?<absent>[^\s!=<>,()]+)|(?<key>[^\s!=<>,()]+)\s*(?:(?<op>==|=|!=|>|<)\s*(?<value>[^\s,()=!<>]*)|\s(?<set>in|notin)\s*\((?<values>[^()]*)\))?)\s*(?:,|$)\s*/.exec(
        rest,
      );
    if (!match) throw new SelectorError(`unable to parse requirement: ${JSON.stringify(rest)}`);
    found.push(requirementOf(match.groups!));
    rest = rest.slice(match[0].length);
  }
  return found;
}

function requirementOf(part: Record<string, string | undefined>): Requirement {
  if (part.absent !== undefined) {
    return { key: part.absent, operator: "DoesNotExist", values: [] };
  }
  const key = part.key!;
  if (part.set !== undefined) {
    const values = part.values!.split(",").map((value) => value.trim());
    return { key, operator: part.set === "in" ? "In" : "NotIn", values };
  }
  if (part.op === undefined) return { key, operator: "Exists", values: [] };
  const operators = { "=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt" } as const;
  return { key, operator: operators[part.op as keyof typeof operators], values: [part.value!] };
}

/** Requirements of the object form. An empty selector has none and so matches everything. */
export function requirementsOf(selector: LabelSelector): Requirement[] {
  const found: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    found.push({ key, operator: "In", values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    if (!operators.has(operator)) {
      throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
    }
    found.push({ key, operator: operator as Requirement["operator"], values: values ?? [] });
  }
  return found;
}

const operators = new Set<string>(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);

export function matchesLabels(
  requirements: readonly Requirement[],
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key]! : undefined;
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "Gt":
        return value !== undefined && Number(value) > Number(values[0]);
      case "Lt":
        return value !== undefined && Number(value) < Number(values[0]);
    }
  });
}

/** The text form kubectl prints: `app=netshoot,tier in (a,b)`. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const parts = requirementsOf(selector ?? {}).map(({ key, operator, values }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    const fromLabels = selector?.matchLabels?.[key] !== undefined;
    if (operator === "In" && fromLabels && values.length === 1) return `${key}=${values[0]}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return parts.length === 0 ? "<none>" : parts.join(",");
}

export type FieldRequirement = { path: readonly string[]; equal: boolean; value: string };

/** `metadata.name=a,spec.nodeName!=b` (fields.ParseSelector). */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const found: FieldRequirement[] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const match = /^\s*([A-Za-z0-9_.[\]-]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
    if (!match) throw new SelectorError(`invalid field selector: ${JSON.stringify(part)}`);
    found.push({ path: match[1]!.split("."), equal: match[2] !== "!=", value: match[3]! });
  }
  return found;
}

/** A field that is absent compares as the empty text, as in `spec.nodeName=`. */
export function matchesFields(requirements: readonly FieldRequirement[], object: unknown): boolean {
  return requirements.every(({ path, equal, value }) => {
    let at = object;
    for (const name of path) {
      at =
        typeof at === "object" && at !== null ? (at as Record<string, unknown>)[name] : undefined;
    }
    const text = typeof at === "string" || typeof at === "number" || typeof at === "boolean";
    return ((text ? String(at) : "") === value) === equal;
  });
}
