import {
  described,
  located,
  mistake,
  object,
  optional,
  schemaOf,
  type Shape,
  text,
} from "../../input/shape.ts";
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
  if (read === undefined) return undefined;
  const { converge, outage, median, p95, worst } = read.value;
  if ((converge === undefined) === (outage === undefined)) {
    return mistake(at, "BadValue", "a limit of 'spread' is of either 'converge' or 'outage'");
  }
  if ([median, p95, worst].every((each) => each === undefined)) {
    return mistake(at, "MissingField", "a limit of 'spread' needs 'median', 'p95' or 'worst'");
  }
  return {
    measure: converge === undefined ? "outage" : "converge",
    of: (converge ?? outage)!,
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
): string | undefined {
  const isKnown =
    measure === "converge"
      ? steps.some((step) => step.name === of && step.events.length > 0)
      : steps.some((step) => step.probes.some(({ name }) => name === of));
  if (isKnown) return undefined;
  return measure === "converge" ? `no step '${of}' with events` : `no probe '${of}'`;
}
