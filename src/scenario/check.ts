import type { Bounds, CheckKind, CheckOf } from "./schema/types.ts";
import type { LabContext } from "./context.ts";
import type { RunningProbe } from "./probe.ts";

/** What one look at the state of the lab showed. */
export type Look = {
  ok: boolean;
  /** For people; short. */
  seen: string;
  /** Where it does not hold: what is not as expected, each in a few words: `via tor1, not tor0`. */
  differs?: readonly string[];
  /** Why this look says nothing: a precondition does not hold. */
  inconclusive?: string;
  /** No later look can turn out otherwise. */
  final?: boolean;
  /** What it is about has only begun: it neither holds yet nor is broken. */
  pending?: boolean;
};

/** How one kind of check is told and looked at. */
export type CheckHandler<K extends CheckKind> = {
  /** For people: `session router0 → tor0 Established`. */
  text(check: CheckOf<K>): string;
  expected(check: CheckOf<K>): string;
  /** Looks once; throws PreconditionError, UnreadableError or EnvironmentError where it cannot. */
  look(context: CheckContext, check: CheckOf<K>): Promise<Look>;
  /** Not to be looked at more often, whatever changes. Default: as often as wanted. */
  everyMsMin?: number;
  /** Each look tells of all that was since the step began: one that sees nothing is made up for by a later one. */
  tellsOfAllSince?: true;
};

/** What checks see beyond the lab: their step. */
export type CheckContext = LabContext & { step: StepView };

export type StepView = {
  beganMs: number;
  probe(name: string): RunningProbe | undefined;
  /** See Changes.convergeMs. */
  convergeMs(): number | undefined;
  /** Log text as it was when the step began, by logKey. */
  logsBefore: ReadonlyMap<string, string>;
};

/** A number against its bounds, for `expected` texts: `received 5, sent 13`. */
export function boundsList(
  values: Record<string, Bounds | undefined>,
  text: (bounds: Bounds) => string,
): string[] {
  return Object.entries(values).flatMap(([name, bounds]) =>
    bounds === undefined ? [] : `${name} ${text(bounds)}`,
  );
}
