import { asPathText, neighborAsn } from "../bgp/rib/as-path.ts";
import type { Prefix } from "../net/prefix.ts";
import type { SimSpeakerHost } from "../sim/speaker-host.ts";
import type { Finding } from "./invariants/finding.ts";
import type { SimulatedLab } from "./simulated-lab.ts";

const lookEveryMs = 5;
/** As long as it takes to find every prefix that goes round, and to say that none does. */
const lookForMs = { atLeast: 2_000, atMost: 30_000 };
/** A state of all speakers that came back so often will do so for ever: they have no memory but their tables. */
const returnsMin = 3;

/** A speaker's best path to a prefix. `by`: the AS that it was learned from, undefined: none. */
type Best = { text: string; by: number | undefined; med: number | undefined };

/** The best paths of all speakers to one prefix. */
type State = ReadonlyMap<SimSpeakerHost, Best>;

/**
 * Looks at routes that do not come to rest: for which prefixes all speakers come back to the same best paths again
 * and again, who they are, and by which paths they go round.
 */
export async function findCircles({ world, context }: SimulatedLab): Promise<Finding[]> {
  const speakers = [...world.speakers];
  const histories = new Map<Prefix, History>();
  const beganMs = world.clock.nowMs;
  for (let forMs = 0; forMs < lookForMs.atMost; forMs = world.clock.nowMs - beganMs) {
    for (const [prefix, state] of bestPaths(speakers)) {
      const history = histories.get(prefix) ?? [];
      histories.set(prefix, history);
      const key = speakers.map((speaker) => state.get(speaker)?.text ?? "").join("|");
      if (history.at(-1)?.key !== key) history.push({ key, state, atMs: world.clock.nowMs });
    }
    const circles = [...histories].flatMap(([prefix, history]) => circleOf(prefix, history));
    if (circles.length > 0 && forMs >= lookForMs.atLeast) return circles;
    await world.sleep(lookEveryMs, context.signal);
  }
  return [];
}

/** What was seen of one prefix, each time that it changed. */
type History = { key: string; state: State; atMs: number }[];

function circleOf(prefix: Prefix, history: History): Finding[] {
  const { key } = history.at(-1)!;
  const times = history.flatMap((one, i) => (one.key === key ? [i] : []));
  if (times.length < returnsMin) return [];
  const round = history.slice(times.at(-2)!, times.at(-1));
  const speakers = new Set(round.flatMap(({ state }) => [...state.keys()]));
  const turning = [...speakers].flatMap((speaker) => {
    const paths = round.map(({ state }) => state.get(speaker)?.text ?? "none");
    const changes = paths.filter((path, i) => path !== paths.at(i - 1));
    if (changes.length < 2) return [];
    return { name: speaker.node.name, way: [...changes, changes[0]].join(" → ") };
  });
  const names = turning.map(({ name }) => name).join(", ");
  const tookMs = Math.round(history[times.at(-1)!]!.atMs - round[0]!.atMs);
  return [
    {
      invariant: "rest",
      text: [
        `${prefix} never comes to rest: ${names} go round, every ${tookMs} ms anew`,
        ...turning.map(({ name, way }) => `  ${name}: ${way}`),
        ...medReason(round.flatMap(({ state }) => [...state.values()])),
      ].join("\n"),
    },
  ];
}

/** Where a neighbouring AS sent different MEDs, a path of it can drive out another, and one of another AS profit. */
function medReason(paths: readonly Best[]): string[] {
  const asns = new Set(paths.map(({ by }) => by));
  if (asns.size < 2) return [];
  return [...asns].flatMap((asn) => {
    const meds = new Set(paths.flatMap(({ by, med }) => (by === asn ? [med ?? 0] : [])));
    if (asn === undefined || meds.size < 2) return [];
    const values = [...meds].sort((a, b) => a - b).join(" and ");
    return [
      `  AS ${asn} sends MED ${values}, which count between its own paths alone (RFC 3345): give its paths`,
      "  another local preference or one MED, or let the reflectors tell each other all paths",
    ];
  });
}

function bestPaths(speakers: readonly SimSpeakerHost[]): Map<Prefix, Map<SimSpeakerHost, Best>> {
  const all = new Map<Prefix, Map<SimSpeakerHost, Best>>();
  for (const host of speakers) {
    for (const { prefix, best, peer, attributes } of host.speaker.routesAvailable()) {
      if (!best) continue;
      const ofPrefix = all.get(prefix) ?? new Map<SimSpeakerHost, Best>();
      all.set(prefix, ofPrefix);
      const { asPath, med } = attributes;
      const way = `AS path ${asPathText(asPath)}${med === undefined ? "" : `, MED ${med}`}`;
      const text = peer === undefined ? "its own" : `by ${peer} (${way})`;
      ofPrefix.set(host, { text, by: neighborAsn(asPath), med });
    }
  }
  return all;
}
