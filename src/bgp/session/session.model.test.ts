// Any inputs in any order: what must hold of the state, the timers and the connections after each.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { encodeMessage } from "../wire/encode.ts";
import { message as frame } from "../wire/hex.testkit.ts";
import { arbitraryMessage } from "../wire/message.testkit.ts";
import type { Message } from "../wire/message.ts";
import type { ConnectionId, SessionEffect, SessionInput, SessionState, TimerName } from "./io.ts";
import { graceful, ipv6, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

/** What the edge would know: which connections are open, which timers run. */
class Edge {
  readonly played: Played;
  readonly passive: boolean;
  readonly delaysOpen: boolean;
  readonly timers = new Set<TimerName>();
  readonly open = new Set<ConnectionId>();
  readonly dialing = new Set<ConnectionId>();
  readonly saidOpen = new Set<ConnectionId>();
  up = false;
  started = false;

  constructor(of: { passive: boolean; holdTimeSeconds: number; delayOpenTimeSeconds?: number }) {
    this.passive = of.passive;
    this.delaysOpen = of.delayOpenTimeSeconds !== undefined;
    this.played = new Played(
      sessionOptions({ ...of, gracefulRestart: { restartTimeSeconds: 15 } }),
    );
  }

  step(input: SessionInput): void {
    const before = this.played.session.state;
    this.#step(input);
    const after = this.played.session.state;
    if (before === after) return;
    const kind = input.input === "timer" ? input.timer.split("/")[0]! : input.input;
    const tables = this.delaysOpen ? [transitions, delayedTransitions] : [transitions];
    const allowed = tables.flatMap((table) => table[kind]?.[before] ?? []);
    must(
      allowed.includes(after),
      `${kind} leads from ${before} to ${allowed.join()}, not ${after}`,
    );
  }

  #step(input: SessionInput): void {
    if (input.input === "start") this.started = true;
    if (input.input === "stop") this.started = false;
    if (input.input === "connected" && this.dialing.delete(input.connection))
      this.open.add(input.connection);
    if (input.input === "accepted") this.open.add(input.connection);
    if (input.input === "connectFailed") this.dialing.delete(input.connection);
    if (input.input === "closed") {
      this.open.delete(input.connection);
      this.dialing.delete(input.connection);
    }
    if (input.input === "timer") this.timers.delete(input.timer);
    const { effects } = this.played.step(input);
    const isEstablished = effects.some((effect) => effect.do === "established");
    // KeepAliveMsg (event 26), and nothing else, leads to Established.
    if (isEstablished && input.input === "received")
      must(typesOf(input.bytes).includes(4), "a KEEPALIVE for Established");
    for (const effect of effects) this.#carryOut(effect);
    this.#check();
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.do) {
      case "connect":
        must(!this.open.has(effect.connection), "a connection id is used once");
        this.dialing.add(effect.connection);
        break;
      case "send": {
        must(this.open.has(effect.connection), "sends on open connections only");
        const [type] = typesOf(effect.bytes);
        const hasSaid = this.saidOpen.has(effect.connection);
        // All but a NOTIFICATION comes after the OPEN, which comes once.
        must(type === 3 || hasSaid === (type !== 1), `an OPEN before type ${type}, and one only`);
        if (type === 1) this.saidOpen.add(effect.connection);
        break;
      }
      case "close":
        this.open.delete(effect.connection);
        this.dialing.delete(effect.connection);
        break;
      case "setTimer":
        must(effect.afterMs > 0, "a timer has a time");
        this.timers.add(effect.timer);
        break;
      case "clearTimer":
        this.timers.delete(effect.timer);
        break;
      case "established":
        must(!this.up, "established once");
        this.up = true;
        break;
      case "down":
        must(this.up, "down only after established");
        this.up = false;
        break;
      case "update":
      case "routeRefresh":
        must(this.up, "routes in Established only");
        break;
      case "limitTtl":
      case "log":
        break;
    }
  }

  #check(): void {
    const { state, negotiated } = this.played.session;
    must(this.up === (state === "Established"), "established and down are told");
    must((negotiated !== undefined) === this.up, "negotiated in Established only");
    must(this.dialing.size <= 1, "one attempt at a time");
    must([...this.open].filter((id) => id > 0).length <= 1, "one connection of our own");
    // One the peer opened, and a second where the first is Established.
    const accepted = [...this.open].filter((id) => id < 0).length;
    must(accepted <= (state === "Established" ? 2 : 1), "one connection of the peer's");
    const expected = this.#expectedTimer(state);
    const running = ["connectRetry", "idleHold"].filter((timer) =>
      this.timers.has(timer as TimerName),
    );
    must(running.join(" ") === expected, `${state} has ${running.join(" ")}, not ${expected}`);
    for (const timer of this.timers) {
      const [name, id] = timer.split("/");
      if (name === "hold" || name === "keepalive" || name === "delayOpen")
        must(this.open.has(Number(id)), `${timer} of an open connection`);
    }
    if (this.started) return;
    const left = [...this.timers, ...this.open, ...this.dialing].join(" ");
    must(state === "Idle" && left === "", `stopped is ${state} with ${left}`);
  }

  /** The connections, which all wait to say OPEN. */
  #waiting(): ReadonlySet<ConnectionId> {
    for (const id of this.open) must(this.timers.has(`delayOpen/${id}`), `${id} waits`);
    return this.open;
  }

  /** Of ConnectRetryTimer and IdleHoldTimer, which runs in that state. */
  #expectedTimer(state: SessionState): string {
    const connections = this.dialing.size + this.open.size;
    switch (state) {
      case "Idle":
        must(connections === 0, "Idle has no connection");
        return this.started ? "idleHold" : "";
      case "Connect": {
        const isOwn = [...this.#waiting()].some((id) => id > 0);
        must(this.dialing.size === (isOwn ? 0 : 1), "Connect has an attempt, or one that waits");
        return isOwn ? "" : "connectRetry";
      }
      case "Active":
        must(this.dialing.size === 0, "Active has no attempt");
        must(
          [...this.#waiting()].every((id) => id < 0),
          "what waits in Active is the peer's",
        );
        return this.passive || this.open.size > 0 ? "" : "connectRetry";
      case "OpenSent":
      case "OpenConfirm":
        must(this.open.size > 0, `${state} has a connection`);
        // An attempt under way goes on beside the connection that the peer opened.
        return this.dialing.size > 0 ? "connectRetry" : "";
      case "Established":
        must(this.dialing.size === 0, "Established ends an attempt");
        return "";
    }
  }
}

/** Of the messages in a stream, as their headers say. */
function typesOf(bytes: Uint8Array): number[] {
  const types: number[] = [];
  for (let at = 0; at + 19 <= bytes.length;) {
    types.push(bytes[at + 18]!);
    at += Math.max(19, (bytes[at + 16]! << 8) + bytes[at + 17]!);
  }
  return types;
}

/** What is left where one of several connections goes, and another goes on. */
const fallBack: SessionState[] = ["Idle", "Connect", "OpenSent"];

/**
 * The states that each input may lead to from each state, other than itself: RFC 4271 §8.2.2, read anew, with
 * §6.8's second connection. What is not here must leave the state as it is.
 */
const transitions: Record<string, Partial<Record<SessionState, SessionState[]>>> = {
  start: { Idle: ["Connect", "Active"] },
  stop: {
    Connect: ["Idle"],
    Active: ["Idle"],
    OpenSent: ["Idle"],
    OpenConfirm: ["Idle"],
    Established: ["Idle"],
  },
  reset: {
    Idle: ["Connect", "Active"],
    Active: ["Connect"],
    OpenSent: ["Connect", "Active"],
    OpenConfirm: ["Connect", "Active"],
    Established: ["Connect", "Active"],
  },
  connected: { Connect: ["OpenSent"] },
  connectFailed: { Connect: ["Active"] },
  accepted: {
    Idle: ["OpenSent"],
    Connect: ["OpenSent"],
    Active: ["OpenSent"],
    // It stands for what the peer wants now: an older one of the peer's goes.
    OpenConfirm: ["OpenSent"],
  },
  received: {
    // All that came at once is read at once.
    OpenSent: ["OpenConfirm", "Established", ...fallBack],
    OpenConfirm: ["Established", ...fallBack],
    // A graceful restart: the new connection is where the old one was at its beginning.
    Established: ["OpenConfirm", ...fallBack],
  },
  closed: {
    Connect: ["Active"],
    OpenSent: ["Active", ...fallBack],
    OpenConfirm: fallBack,
    Established: fallBack,
  },
  unsent: { Established: fallBack },
  reachable: { Idle: ["Connect", "Active"], Active: ["Connect"] },
  hold: { OpenSent: fallBack, OpenConfirm: fallBack, Established: fallBack },
  keepalive: {},
  connectRetry: { Active: ["Connect"] },
  idleHold: { Idle: ["Connect", "Active"] },
};

/** What comes to that with DelayOpen: a connection may wait in Connect, and in Active where the peer opened it. */
const delayedTransitions: typeof transitions = {
  accepted: {
    Idle: ["Active"],
    OpenSent: ["Connect", "Active"],
    OpenConfirm: ["Connect", "Active"],
  },
  delayOpen: { Connect: ["OpenSent"], Active: ["OpenSent"] },
  received: {
    Connect: ["Idle", "Active", "OpenConfirm", "Established"],
    Active: ["Idle", "OpenConfirm", "Established"],
    OpenSent: ["Active"],
    OpenConfirm: ["Active"],
    Established: ["Active"],
  },
  closed: { Connect: ["Idle"], Active: ["Idle"], OpenConfirm: ["Active"], Established: ["Active"] },
  unsent: { Established: ["Active"] },
  hold: { OpenSent: ["Active"], OpenConfirm: ["Active"], Established: ["Active"] },
  connectRetry: { Connect: ["Active"] },
};

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

type Action = { act: string; which: number; messages: (Message | Uint8Array)[]; waitMs: number };

const keepalive: Message = { type: "KEEPALIVE" };
const likely: (Message | Uint8Array)[][] = [
  [peerOpen()],
  [peerOpen({ extra: [{ ...graceful, restarting: true }] })],
  [peerOpen({ bgpIdentifier: address("192.0.2.1"), holdTimeSeconds: 0 })],
  [peerOpen(), keepalive],
  [keepalive],
  [peerOpen({ asn: 1 })],
  [{ type: "NOTIFICATION", code: 6, subcode: 7, data: new Uint8Array() }],
  [{ type: "ROUTE-REFRESH", family: ipv6, subtype: 0 }],
  [frame(2, "00ff 0000")],
  [new Uint8Array(19)],
];

const action: fc.Arbitrary<Action> = fc.record({
  act: fc.oneof(
    { weight: 4, arbitrary: fc.constant("received") },
    { weight: 3, arbitrary: fc.constantFrom("start", "connected", "timer") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...["accepted", "closed", "connectFailed", "stale", "unknown", "unsent", "reachable"],
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom("stop", "say", "reset") },
  ),
  which: fc.nat(5),
  messages: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...likely) },
    fc.array(arbitraryMessage, { minLength: 1, maxLength: 3 }),
  ),
  waitMs: fc.constantFrom(0, 10, 6_000, 20_000),
});

function stream(messages: (Message | Uint8Array)[]): Uint8Array {
  const codec = { fourOctetAs: true, extendedMessage: false };
  return Buffer.concat(
    messages.flatMap((one) => (one instanceof Uint8Array ? one : encodeMessage(one, codec))),
  );
}

const ends = { localAddress: address("10.0.2.2"), remoteAddress: address("10.0.2.1") };

function act(
  edge: Edge,
  { act: name, which, messages, waitMs }: Action,
  fresh: () => number,
): void {
  edge.played.nowMs += waitMs;
  const pick = <T>(from: Iterable<T>): T | undefined => {
    const all = [...from];
    return all[which % all.length];
  };
  const connection = pick([...edge.open, ...edge.dialing]);
  const dialing = pick(edge.dialing);
  switch (name) {
    case "start":
      edge.step({ input: "start" });
      break;
    case "stop":
      edge.step({ input: "stop" });
      break;
    case "say":
      edge.step({ input: "stop", notification: { subcode: 2, communication: "bye" } });
      break;
    case "reset":
      edge.step({ input: "reset" });
      break;
    case "connected":
      if (dialing !== undefined) edge.step({ input: "connected", connection: dialing, ...ends });
      break;
    case "connectFailed":
      if (dialing !== undefined) {
        edge.step({ input: "connectFailed", connection: dialing, reason: "ECONNREFUSED" });
      }
      break;
    case "accepted":
      edge.step({ input: "accepted", connection: fresh(), ...ends });
      break;
    case "closed":
      if (connection !== undefined) edge.step({ input: "closed", connection });
      break;
    case "received": {
      const open = pick(edge.open);
      if (open === undefined) break;
      edge.step({ input: "received", connection: open, bytes: stream(messages) });
      break;
    }
    case "timer": {
      const timer = pick(edge.timers);
      if (timer !== undefined) edge.step({ input: "timer", timer });
      break;
    }
    case "stale":
      // A timer that does not run any more, of a connection long gone.
      edge.step({ input: "timer", timer: which % 2 === 0 ? "hold/999" : "keepalive/-999" });
      break;
    case "unsent":
      if (connection !== undefined)
        edge.step({ input: "unsent", connection, forMs: which * 200_000 });
      break;
    case "reachable":
      edge.step({ input: "reachable" });
      break;
    case "unknown":
      edge.step({ input: "received", connection: 999, bytes: stream(messages) });
      break;
  }
}

it("any inputs in any order leave the session in a legal state, with the timers of that state", () => {
  const seen = new Set<SessionState>();
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 60, size: "max" }),
      fc.boolean(),
      fc.constantFrom(9, 0),
      fc.constantFrom({}, { delayOpenTimeSeconds: 5 }),
      (actions, passive, holdTimeSeconds, delay) => {
        const edge = new Edge({ passive, holdTimeSeconds, ...delay });
        let last = 0;
        for (const one of actions) {
          act(edge, one, () => --last);
          seen.add(edge.played.session.state);
        }
      },
    ),
    { numRuns: 800 },
  );
  // The walk is worth something only where it got everywhere.
  expect([...seen].toSorted()).toEqual([
    "Active",
    "Connect",
    "Established",
    "Idle",
    "OpenConfirm",
    "OpenSent",
  ]);
});
