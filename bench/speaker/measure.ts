/** What is measured: each function is one round with one daemon, from its start to its end. */
import { mark, type Setup, speaker } from "./configs.ts";
import type { Daemon } from "./daemons.ts";
import { Running } from "./running.ts";
import { dial, listen, type TestPeer } from "./test-peer.ts";
import { type Load, makeLoad, oneRoute } from "./updates.ts";

export type Round = { daemon: Daemon; namespace: string; dir: string };
/** By name, in the unit that the name ends with. */
export type Figures = Record<string, number>;

const feeder = { address: "10.77.4.2", asn: 65001 };
const sink = { address: "10.77.4.3", asn: 65002 };
const feederHop = [10, 77, 4, 2] as const;
const limitMs = 120_000;
/** Outside of every load. */
const markNetwork = 0xc80000;

const loads = new Map<number, Load>();

export function loadOf(routes: number): Load {
  let load = loads.get(routes);
  if (load === undefined) {
    load = makeLoad({ routes, perUpdate: 10, asn: feeder.asn, nextHop: feederHop });
    loads.set(routes, load);
  }
  return load;
}

/** From the first byte until a second peer, which gets marked routes only, has the marked one sent last. */
export async function takeIn(round: Round, routes: number): Promise<Figures> {
  const peers = [
    { ...feeder, gets: "everything" as const },
    { ...sink, gets: "marked" as const },
  ];
  return withSessions(round, peers, async (running, [from, to]) => {
    const load = loadOf(routes);
    const marked = oneRoute(markNetwork, feeder.asn, feederHop, mark);
    const beforeMs = running.cpuMs;
    const startMs = performance.now();
    from!.send(load.announcements);
    from!.send(marked);
    const endMs = await to!.when("the marked route", () => to!.counts.announced > 0, limitMs);
    return { takeInMs: endMs - startMs, takeInCpuMs: running.cpuMs - beforeMs };
  });
}

/** From the first byte until a second peer has every route, then the same for taking them back. */
export async function passOn(round: Round, routes: number): Promise<Figures> {
  const peers = [feeder, sink].map((peer) => ({ ...peer, gets: "everything" as const }));
  return withSessions(round, peers, async (running, [from, to]) => {
    const load = loadOf(routes);
    let beforeMs = running.cpuMs;
    let startMs = performance.now();
    from!.send(load.announcements);
    let endMs = await to!.when("all routes", () => to!.counts.announced >= routes, limitMs);
    const passOnMs = endMs - startMs;
    const passOnCpuMs = running.cpuMs - beforeMs;
    const { rssMb } = running;
    beforeMs = running.cpuMs;
    startMs = performance.now();
    from!.send(load.withdrawals);
    endMs = await to!.when("all withdrawn", () => to!.counts.withdrawn >= routes, limitMs);
    const withdrawMs = endMs - startMs;
    return { passOnMs, passOnCpuMs, rssMb, withdrawMs, withdrawCpuMs: running.cpuMs - beforeMs };
  });
}

/** With two sessions and no routes: what it is, idle. Then one new route, from one peer's socket to the other's: the median of 50. */
export async function oneNew(round: Round): Promise<Figures> {
  const peers = [feeder, sink].map((peer) => ({ ...peer, gets: "everything" as const }));
  return withSessions(round, peers, async (running, [from, to]) => {
    const { rssMb } = running;
    const tookMs: number[] = [];
    for (let i = 0; i < 50; i++) {
      const had = to!.counts.announced;
      const startMs = performance.now();
      from!.send(oneRoute(markNetwork + i, feeder.asn, feederHop, mark));
      const endMs = await to!.when("the new route", () => to!.counts.announced > had, 10_000);
      tookMs.push(endMs - startMs);
    }
    return { idleRssMb: rssMb, oneRouteMs: median(tookMs) };
  });
}

/** It dials: from the start of its process to Established; then 1,000 prefixes of its own, and what it is with them. */
export async function start({ daemon, namespace, dir }: Round): Promise<Figures> {
  const own = Array.from({ length: 1000 }, (_, i) => `20.${i >> 8}.${i & 0xff}.0/24`);
  const setup: Setup = {
    dir,
    peers: [{ ...feeder, gets: "everything" }],
    dials: true,
    ...(daemon.cannot?.own === undefined && { own }),
  };
  const listening = listen(feeder.address, feeder.asn);
  const running = new Running(daemon, setup, namespace);
  let peer: TestPeer | undefined;
  try {
    peer = await listening.session;
    const established = peer.establishedMs!;
    const figures: Figures = { establishedMs: established - running.startedMs };
    if (setup.own !== undefined) {
      const { counts } = peer;
      const endMs = await peer.when("its own prefixes", () => counts.announced >= 1000, 30_000);
      figures["ownMs"] = endMs - established;
      figures["ownMessages"] = counts.messages;
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    figures["ownRssMb"] = running.rssMb;
    return figures;
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${running.said}`, { cause: error });
  } finally {
    peer?.close();
    listening.server.close();
    await running.stop();
  }
}

/** Ten routes of each of a hundred peers, until each has those of all others. */
export async function many(round: Round): Promise<Figures> {
  const each = 10;
  const all = addresses(100);
  const peers = all.map((peer) => ({ ...peer, gets: "everything" as const }));
  return withSessions(round, peers, async (_running, sessions) => {
    const loadsOf = all.map(({ asn }, i) =>
      makeLoad({
        routes: each,
        perUpdate: each,
        asn,
        nextHop: [10, 77, 5, i],
        firstNetwork: 0x020000 + 256 * i,
      }),
    );
    const others = each * (all.length - 1);
    const startMs = performance.now();
    for (const [i, session] of sessions.entries()) session.send(loadsOf[i]!.announcements);
    const ends = await Promise.all(
      sessions.map((session) =>
        session.when("all others' routes", () => session.counts.announced >= others, 60_000),
      ),
    );
    return { manyMs: Math.max(...ends) - startMs };
  });
}

/** A thousand routes passed on to so many sessions. */
export async function fanOut(round: Round, sessionCount: number): Promise<Figures> {
  const routes = 1000;
  const peers = [feeder, ...addresses(sessionCount)].map((peer) => ({
    ...peer,
    gets: "everything" as const,
  }));
  return withSessions(round, peers, async (_running, [from, ...sinks]) => {
    const startMs = performance.now();
    from!.send(loadOf(routes).announcements);
    const ends = await Promise.all(
      sinks.map((session) =>
        session.when("all routes", () => session.counts.announced >= routes, limitMs),
      ),
    );
    return { fanOutMs: Math.max(...ends) - startMs };
  });
}

/** A thousand sessions with nothing to say but KEEPALIVE, hold time 90 s: the part of one core that they take. */
export async function idle(round: Round, seconds: number): Promise<Figures> {
  const peers = addresses(1000).map((peer) => ({ ...peer, gets: "everything" as const }));
  const measure = async (running: Running): Promise<Figures> => {
    // What the sessions' start has left to do.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const beforeMs = running.cpuMs;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return {
      idlePercent: (running.cpuMs - beforeMs) / (seconds * 10),
      idleSessionsRssMb: running.rssMb,
    };
  };
  return withSessions(round, peers, measure);
}

/** How long a sink of the same make takes for the same bytes: the tester's own share of every figure. */
export async function testerAlone(routes: number): Promise<number> {
  const { createServer, connect } = await import("node:net");
  const { TestPeer } = await import("./test-peer.ts");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const accepted = new Promise<TestPeer>((resolve) =>
    server.once("connection", (socket) => resolve(new TestPeer(socket, 1, "1.1.1.1", 0))),
  );
  const { port } = server.address() as { port: number };
  const from = new TestPeer(connect({ host: "127.0.0.1", port }), 2, "2.2.2.2", 0);
  const to = await accepted;
  await from.when("Established", () => from.establishedMs !== undefined, 5000);
  const startMs = performance.now();
  from.send(loadOf(routes).announcements);
  const endMs = await to.when("all routes", () => to.counts.announced >= routes, limitMs);
  from.close();
  to.close();
  server.close();
  return endMs - startMs;
}

async function withSessions(
  { daemon, namespace, dir }: Round,
  peers: Setup["peers"],
  measure: (running: Running, sessions: TestPeer[]) => Promise<Figures>,
): Promise<Figures> {
  const running = new Running(daemon, { dir, peers }, namespace);
  let sessions: TestPeer[] = [];
  try {
    sessions = await dial(speaker.address, peers);
    // Some wait before they send what they have to a new peer.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return await measure(running, sessions);
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${running.said}`, { cause: error });
  } finally {
    for (const session of sessions) session.close();
    await running.stop();
  }
}

function addresses(count: number): { address: string; asn: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    address: `10.77.${5 + (i >> 8)}.${i & 0xff}`,
    asn: 64000 + (i % 900),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
