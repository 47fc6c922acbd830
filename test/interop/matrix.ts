import type { BgpDaemon, Lack } from "./daemons/daemon.ts";
import { Pair } from "./pair.ts";
import { capabilitiesOf } from "./wire-tap.ts";

/** What one cell of the matrix came to. */
export type Outcome =
  | { verdict: "works" }
  | { verdict: "fails"; why: string }
  /** The other daemon's limit. */
  | { verdict: "not in"; why: string };

/** One feature, seen on both sides. */
export type Row = {
  id: string;
  /** What the table says, with its figures. */
  title: string;
  /** Throws where it does not work. */
  check: (daemon: BgpDaemon) => Promise<void>;
};

export type Group = { title: string; rows: readonly Row[] };

/** Tries all rows with one daemon, one after the other; `tell` hears of each. */
export async function tryAll(
  daemon: BgpDaemon,
  rows: readonly Row[],
  tell: (row: string, outcome: Outcome) => void,
): Promise<void> {
  const capabilities = await capabilitiesAsIs(daemon);
  for (const { id, check } of rows) {
    const lack = daemon.lacks[id];
    const outcome = lack === undefined ? await tried(daemon, check) : missing(lack, capabilities);
    tell(id, outcome);
  }
}

async function tried(daemon: BgpDaemon, check: Row["check"]): Promise<Outcome> {
  try {
    await check(daemon);
    return { verdict: "works" };
  } catch (error) {
    return { verdict: "fails", why: error instanceof Error ? error.message : String(error) };
  }
}

function missing({ why, capability }: Lack, offered: ReadonlySet<number>): Outcome {
  return capability !== undefined && offered.has(capability)
    ? { verdict: "fails", why: `it offers capability ${capability}, though: "${why}"` }
    : { verdict: "not in", why };
}

/** What its OPEN offers without being asked to. */
async function capabilitiesAsIs(daemon: BgpDaemon): Promise<ReadonlySet<number>> {
  await using pair = await Pair.start(daemon);
  await pair.established();
  return capabilitiesOf(pair.sent("daemon", "OPEN")[0]!);
}
