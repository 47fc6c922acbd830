import { asPathText } from "../bgp/rib/as-path.ts";
import type { Prefix } from "../net/prefix.ts";
import type { SimSpeakerHost } from "../sim/speaker-host.ts";
import type { Finding } from "./invariants/finding.ts";
import type { SimulatedLab } from "./simulated-lab.ts";

const lookEveryMs = 5;
const lookForMs = 30_000;
/** A state of all speakers that came back so often will do so for ever: they have no memory but their tables. */
const returnsMin = 3;

/** The best paths of all speakers to one prefix, one text each. */
type State = ReadonlyMap<SimSpeakerHost, string>;

/**
 * Looks at routes that do not come to rest: for which prefixes all speakers come back to the same best paths again
 * and again, who they are, and by which paths they go round.
 */
export async function findCircles({ world, context }: SimulatedLab): Promise<Finding[]> {
  const speakers = [...world.speakers];
  const histories = new Map<Prefix, { key: string; state: State; atMs: number }[]>();
  const untilMs = world.clock.nowMs + lookForMs;
  while (world.clock.nowMs < untilMs) {
    for (const [prefix, state] of bestPaths(speakers)) {
      const history = histories.get(prefix) ?? [];
      histories.set(prefix, history);
      const key = speakers.map((speaker) => state.get(speaker) ?? "").join("|");
      if (history.at(-1)?.key !== key) history.push({ key, state, atMs: world.clock.nowMs });
    }
    await world.sleep(lookEveryMs, context.signal);
  }
  return [...histories].flatMap(([prefix, history]): Finding[] => {
    const key = history.at(-1)!.key;
    const times = history.flatMap((one, i) => (one.key === key ? [i] : []));
    if (times.length < returnsMin) return [];
    const round = history.slice(times.at(-2)!, times.at(-1));
    const tookMs = history[times.at(-1)!]!.atMs - round[0]!.atMs;
    return [
      circleOf(
        prefix,
        speakers,
        round.map(({ state }) => state),
        tookMs,
      ),
    ];
  });
}

function circleOf(
  prefix: Prefix,
  speakers: readonly SimSpeakerHost[],
  round: readonly State[],
  tookMs: number,
): Finding {
  const turning = speakers.flatMap((speaker) => {
    const paths = round.map((state) => state.get(speaker) ?? "none");
    const changes = paths.filter((path, i) => path !== paths.at(i - 1));
    return changes.length < 2
      ? []
      : [`${speaker.node.name}: ${[...changes, changes[0]].join(" → ")}`];
  });
  const every = `every ${Math.round(tookMs)} ms all of it begins again`;
  return {
    invariant: "rest",
    text: [`${prefix} never comes to rest, ${every}. The best path of`, ...turning].join("\n    "),
  };
}

function bestPaths(speakers: readonly SimSpeakerHost[]): Map<Prefix, Map<SimSpeakerHost, string>> {
  const all = new Map<Prefix, Map<SimSpeakerHost, string>>();
  for (const host of speakers) {
    for (const { prefix, best, peer, attributes } of host.speaker.routesAvailable()) {
      if (!best) continue;
      const ofPrefix = all.get(prefix) ?? new Map<SimSpeakerHost, string>();
      all.set(prefix, ofPrefix);
      const asPath = asPathText(attributes.asPath);
      ofPrefix.set(host, peer === undefined ? "its own" : `by ${peer} (AS path ${asPath})`);
    }
  }
  return all;
}
