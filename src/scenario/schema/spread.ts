import {
  described,
  isNull,
  located,
  mistake,
  object,
  optional,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
import { hintAtNames } from "../../input/nearest.ts";
import type { SpreadLimit, Step } from "./types.ts";
import { duration } from "./values.ts";

const fields = located(
  object(
    {
      converge: optional(text("the name of a step")),
      outage: optional(text("the name of a probe")),
      median: optional(duration),
      p95: optional(duration),
      worst: optional(duration),
    },
    "a limit of 'spread'",
  ),
);

/** `{ converge: STEP, p95: 2s }` or `{ outage: PROBE, worst: 500ms }`. */
export const spreadShape: Shape<SpreadLimit> = described(schemaOf(fields), (node, at) => {
  const read = fields(node, at);
  if (node.type !== "map") return undefined;
  // Be its value right or wrong: that is a mistake of its own.
  const isWritten = (name: string) => {
    const value = node.entries.get(name);
    return value !== undefined && !isNull(value);
  };
  if (isWritten("converge") === isWritten("outage")) {
    mistake(at, "BadValue", "a limit of 'spread' is of either 'converge' or 'outage'");
  }
  if (!["median", "p95", "worst"].some(isWritten)) {
    mistake(at, "MissingField", "a limit of 'spread' needs 'median', 'p95' or 'worst'");
  }
  const { converge, outage, median, p95, worst } = read?.value ?? {};
  const of = converge ?? outage;
  if (of === undefined) return undefined;
  return {
    measure: converge === undefined ? "outage" : "converge",
    of,
    source: `${at.file}:${at.line}`,
    ...(median !== undefined && { medianMs: median }),
    ...(p95 !== undefined && { p95Ms: p95 }),
    ...(worst !== undefined && { worstMs: worst }),
  };
});

/** What a limit is of must be in the scenario. Returns what is not, for people. */
export function unknownOf(
  { measure, of }: SpreadLimit,
  steps: readonly Step[],
): { message: string; hint: string | undefined } | undefined {
  const known =
    measure === "converge"
      ? steps.flatMap(({ name, events }) => (events.length > 0 ? name : []))
      : steps.flatMap(({ probes }) => probes.map(({ name }) => name));
  if (known.includes(of)) return undefined;
  const message = measure === "converge" ? `no step '${of}' with events` : `no probe '${of}'`;
  return { message, hint: hintAtNames(of, known) };
}
