import type { LabelSelector } from "./schema/label-selector.ts";

export type Labels = Readonly<Record<string, string>>;

/** A selector that no label set can be held against; Kubernetes refuses it only when it is used. */
export class LabelSelectorError extends Error {
  override readonly name = "LabelSelectorError";
}

/**
 * Whether `labels` satisfy every requirement of the selector; the empty selector `{}` selects
 * everything. What an absent selector means differs from field to field (every node for
 * `nodeSelector`, nothing for `families[].advertisements`), so it is the caller's to decide. Throws
 * LabelSelectorError.
 */
export function matchesLabels(selector: LabelSelector, labels: Labels | undefined): boolean {
  const has = (key: string) => labels !== undefined && Object.hasOwn(labels, key);
  let matches = true;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    matches &&= has(key) && labels![key] === value;
  }
  // Every expression is looked at even where one failed already: a wrong one is an error for all.
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const wantsValues = operator === "In" || operator === "NotIn";
    if (wantsValues && values.length === 0) {
      throw new LabelSelectorError(`${operator} of label "${key}" needs values`);
    }
    if (!wantsValues && values.length > 0) {
      throw new LabelSelectorError(`${operator} of label "${key}" takes no values`);
    }
    switch (operator) {
      case "In":
        matches &&= has(key) && values.includes(labels![key]!);
        break;
      case "NotIn": // also where the label is absent
        matches &&= !has(key) || !values.includes(labels![key]!);
        break;
      case "Exists":
        matches &&= has(key);
        break;
      case "DoesNotExist":
        matches &&= !has(key);
        break;
    }
  }
  return matches;
}
