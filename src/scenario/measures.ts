import { readUpdateCounts } from "../observe/router.ts";
import { UncountedError, type UpdateCounts } from "../observe/updates.ts";
import type { EventMeasures, LinkTraffic } from "../timeline/record.ts";
import type { Endpoint, FabricNode } from "../topology/fabric.ts";
import type { LabContext } from "./context.ts";
import type { Convergence } from "./convergence.ts";
import type { RunningProbe } from "./probe.ts";
import { UpdateTraffic } from "./update-traffic.ts";

const answerWithinMs = 2_000;

/** Frames that came in at an end of a link, by `node:interface`. */
type Counters = ReadonlyMap<string, number>;

/**
 * What the events of a step did, beyond the checks: convergence of each event, in the control plane by
 * router and in the data plane by probe; UPDATE messages; which links carried the probes' packets.
 */
export class Measures implements AsyncDisposable {
  readonly #context: LabContext;
  readonly #probes: readonly RunningProbe[];
  readonly #updates: ReadonlyMap<string, UpdateCounts>;
  readonly #counters: Counters;
  /** Of speakers that do not count. */
  readonly #traffic: ReadonlyMap<string, UpdateTraffic>;

  private constructor(
    context: LabContext,
    probes: readonly RunningProbe[],
    updates: ReadonlyMap<string, UpdateCounts>,
    counters: Counters,
    traffic: ReadonlyMap<string, UpdateTraffic>,
  ) {
    this.#traffic = traffic;
    this.#context = context;
    this.#probes = probes;
    this.#updates = updates;
    this.#counters = counters;
  }

  static async begin(context: LabContext, probes: readonly RunningProbe[]): Promise<Measures> {
    const speakers = context.fabric.nodes.filter((node) => node.kind !== "bridge");
    const uncounted: string[] = [];
    const [updates, counters] = await Promise.all([
      readUpdates(context, speakers, (node) => uncounted.push(node)),
      probes.length > 0 ? readCounters(context) : new Map<string, number>(),
    ]);
    const begin = (node: string) => UpdateTraffic.begin(context.runtime, node);
    const traffic = new Map(await eachCounted(context, uncounted, begin));
    return new Measures(context, probes, updates, counters, traffic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#traffic.values()].map((each) => each.end()));
  }

  async record(step: number, convergence: Convergence): Promise<void> {
    const { events } = convergence;
    if (events.length === 0) return;
    const [updates, uncounted, counters] = await Promise.all([
      readUpdates(
        this.#context,
        this.#context.fabric.nodes.filter(({ name }) => this.#updates.has(name)),
      ),
      eachCounted(this.#context, this.#traffic.keys(), (node) => this.#traffic.get(node)!.end()),
      this.#probes.length > 0 ? readCounters(this.#context) : new Map<string, number>(),
    ]);
    const links = this.#carried(counters);
    this.#context.recorder({
      type: "measures",
      step,
      events: events.map((event, i) => this.#event(event, events[i + 1]?.atMs ?? Infinity)),
      updates: { ...difference(this.#updates, updates), ...Object.fromEntries(uncounted) },
      ...(Object.keys(convergence.bmp).length > 0 && { bmp: convergence.bmp }),
      ...(links.length > 0 && { links }),
    });
  }

  #event({ text, atMs, nodesMs }: Convergence["events"][number], untilMs: number): EventMeasures {
    const times = Object.values(nodesMs);
    const probes = this.#probes.flatMap((probe) => {
      const loss = probe.lossBetween(atMs, untilMs);
      return loss === undefined ? [] : [[probe.probe.name, loss] as const];
    });
    return {
      ...{ text, atMs, nodesMs },
      ...(times.length > 0 && { controlPlaneMs: Math.max(...times) }),
      ...(probes.length > 0 && { probes: Object.fromEntries(probes) }),
    };
  }

  #carried(after: Counters): LinkTraffic[] {
    const arrived = (end: Endpoint) => {
      const [then, now] = [this.#counters.get(keyOf(end)), after.get(keyOf(end))];
      // A counter that went back is a new interface's.
      return then === undefined || now === undefined || now < then ? undefined : now - then;
    };
    return this.#context.fabric.links.flatMap(({ endpoints: [a, b] }) => {
      const [toA, toB] = [arrived(a), arrived(b)];
      if (toA === undefined || toB === undefined) return [];
      const end = ({ node, interface: name }: Endpoint) => ({ node, interface: name });
      return { link: { a: end(a), b: end(b) }, packets: { toA, toB } };
    });
  }
}

/** Undefined where the node cannot be read, or does not answer for a while because it is paused. */
async function answerOf<T>({ clock }: LabContext, asked: Promise<T>): Promise<T | undefined> {
  const answered = new AbortController();
  const silent = clock.wait(answerWithinMs, answered.signal).then(
    () => undefined,
    () => undefined,
  );
  const answer = await Promise.race([asked.catch(() => undefined), silent]);
  answered.abort();
  return answer;
}

/** Of the speakers that can be read, and count them. `onUncounted` is told of those that do not. */
async function readUpdates(
  context: LabContext,
  speakers: readonly FabricNode[],
  onUncounted: (node: string) => void = () => {},
): Promise<ReadonlyMap<string, UpdateCounts>> {
  const { runtime } = context;
  const read = await Promise.all(
    speakers.map(async (node) => {
      const asked = readUpdateCounts(runtime, node).catch((error: unknown) => {
        if (error instanceof UncountedError) onUncounted(node.name);
        throw error;
      });
      const counts = await answerOf(context, asked);
      return counts === undefined ? [] : [[node.name, counts] as const];
    }),
  );
  return new Map(read.flat());
}

/** A node of which it cannot be done is told in the timeline, and left out. */
async function eachCounted<T>(
  { recorder }: LabContext,
  nodes: Iterable<string>,
  count: (node: string) => Promise<T>,
): Promise<(readonly [node: string, T])[]> {
  const counted = await Promise.all(
    Array.from(nodes, async (node) => {
      try {
        return [[node, await count(node)] as const];
      } catch (error) {
        const message = `its UPDATE messages are not counted: ${(error as Error).message}`;
        recorder({ type: "log", level: "warn", node, message });
        return [];
      }
    }),
  );
  return counted.flat();
}

/** Counts of a daemon that was restarted begin anew: then they are those since. */
function difference(
  before: ReadonlyMap<string, UpdateCounts>,
  after: ReadonlyMap<string, UpdateCounts>,
): Record<string, UpdateCounts> {
  const since = (then: number, now: number) => (now < then ? now : now - then);
  return Object.fromEntries(
    Array.from(after, ([node, { received, sent }]) => {
      const then = before.get(node) ?? { received: 0, sent: 0 };
      return [
        node,
        { received: since(then.received, received), sent: since(then.sent, sent) },
      ] as const;
    }),
  );
}

const countScript =
  'for f in /sys/class/net/*/statistics/rx_packets; do echo "$f $(cat "$f")"; done';

/** Of the nodes that can be read. */
async function readCounters(context: LabContext): Promise<Counters> {
  const { fabric, runtime } = context;
  const counters = new Map<string, number>();
  await Promise.all(
    fabric.nodes.map(async ({ name }) => {
      const argv = ["sh", "-c", countScript];
      const result = await answerOf(context, runtime.exec({ node: name }, argv));
      for (const line of result?.stdout.split("\n") ?? []) {
        const [, device, count] = /net\/([^/]+)\/.* (\d+)$/.exec(line) ?? [];
        if (device !== undefined) counters.set(`${name}:${device}`, Number(count));
      }
    }),
  );
  return counters;
}

function keyOf({ node, interface: name }: Endpoint): string {
  return `${node}:${name}`;
}
