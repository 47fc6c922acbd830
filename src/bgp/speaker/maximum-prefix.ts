import { encodePrefixBound } from "../wire/cease.ts";
import { families, type FamilyName } from "../rib/family.ts";
import type { MaximumPrefix } from "./config.ts";

/** More routes than allowed: the session is to end with Cease/1 and this data (RFC 4486 §4). */
export type Exceeded = { text: string; data: Uint8Array; restartTimeSeconds: number | undefined };

/** Counts a peer's routes against its limits. Each warning is told once until the count is below it again. */
export class PrefixLimits {
  readonly #warned = new Set<string>();

  /** `received`: number of the family's routes. */
  check(
    limits: Partial<Record<FamilyName, MaximumPrefix>>,
    received: (name: FamilyName) => number,
    warn: (text: string) => void,
  ): Exceeded | undefined {
    let exceeded: Exceeded | undefined;
    for (const [name, limit] of Object.entries(limits) as [FamilyName, MaximumPrefix][]) {
      const { count, warningThresholdPercent: percent, action, restartTimeSeconds } = limit;
      const now = received(name);
      this.#once(`${name} ${percent} %`, now * 100 > count * percent && now <= count, () =>
        warn(`${now} ${name} routes: more than ${percent} % of the ${count} allowed`),
      );
      const text = `${now} ${name} routes, ${count} allowed`;
      this.#once(`${name} count`, now > count && action === "warn", () => warn(text));
      if (now > count && action === "teardown") {
        exceeded = { text, data: encodePrefixBound(families[name], count), restartTimeSeconds };
      }
    }
    return exceeded;
  }

  #once(key: string, holds: boolean, tell: () => void): void {
    if (holds && !this.#warned.has(key)) tell();
    if (holds) this.#warned.add(key);
    else this.#warned.delete(key);
  }
}
