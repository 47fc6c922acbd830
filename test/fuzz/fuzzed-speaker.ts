import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import type { Effect, Input } from "../../src/bgp/speaker/effect.ts";
import type { PeerConfig } from "../../src/bgp/speaker/config.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { encodeMessage } from "../../src/bgp/wire/encode.ts";
import { WireError } from "../../src/bgp/wire/error.ts";
import type { Capability, CodecOptions, UpdateMessage } from "../../src/bgp/wire/message.ts";
import { ipv4Unicast, ipv6Unicast } from "../../src/bgp/wire/registry.ts";
import { type Expected, expected, type Rules } from "./expected.ts";

const families = [ipv4Unicast, ipv6Unicast];
const localAsn = 65010;

/** A session that mutated messages come over. */
export type Victim = { name: string; peer: PeerConfig; capabilities: Capability[]; rules: Rules };

const multiprotocol: Capability[] = families.map((family) => ({
  capability: "multiprotocol",
  family,
}));

/** One of each kind in which bytes are read differently. */
export const victims: readonly Victim[] = [
  victimOf("external", { asn: 65020 }),
  victimOf("two-octet AS numbers", { asn: 65030 }, { fourOctetAs: false }),
  victimOf("internal", { asn: localAsn, routeReflectorClient: true }, { external: false }),
  victimOf("add-path", { asn: 65040, addPath: { receive: true, send: "all" } }, { pathIds: true }),
  victimOf("extended messages", { asn: 65050 }, { messageBytesMax: 65535 }),
  victimOf("graceful restart", {
    asn: 65060,
    gracefulRestart: { restartTimeSeconds: 120, longLivedStaleTimeSeconds: 600 },
  }),
];

const bystander = peerConfig({ name: "bystander", asn: 65099, address: address("10.0.1.1") });
const bystanderConnection = -1;
const bystanderRoutes = ["192.0.2.0/24", "198.51.100.0/24"];

function victimOf(
  name: string,
  peer: Partial<PeerConfig> & { asn: number },
  of: Partial<Rules> = {},
): Victim {
  const rules: Rules = {
    fourOctetAs: true,
    external: true,
    pathIds: false,
    messageBytesMax: 4096,
    ...of,
  };
  const capabilities: Capability[] = [...multiprotocol, { capability: "routeRefresh" }];
  if (rules.fourOctetAs) capabilities.push({ capability: "fourOctetAs", asn: peer.asn });
  if (rules.messageBytesMax > 4096) capabilities.push({ capability: "extendedMessage" });
  if (rules.pathIds) {
    const entries = families.map((family) => ({ family, send: true, receive: true }));
    capabilities.push({ capability: "addPath", entries });
  }
  if (peer.gracefulRestart !== undefined) {
    capabilities.push({
      capability: "gracefulRestart",
      restarting: false,
      notification: true,
      restartTimeSeconds: 120,
      families: families.map((family) => ({ family, forwardingPreserved: true })),
    });
  }
  // The last octet is the AS number's: 65020 is 10.0.0.20.
  const at = address(`10.0.0.${peer.asn - 65000}`);
  return { name, peer: peerConfig({ name, address: at, ...peer }), capabilities, rules };
}

function peerConfig(
  of: Partial<PeerConfig> & Pick<PeerConfig, "name" | "asn" | "address">,
): PeerConfig {
  return {
    port: 179,
    passive: true,
    holdTimeSeconds: 90,
    keepaliveTimeSeconds: 30,
    connectRetryTimeSeconds: 120,
    families,
    exportPolicy: [{ name: "all", action: "accept" }],
    importPolicy: "accept",
    ...of,
  };
}

const plain: CodecOptions = { fourOctetAs: true, extendedMessage: false };

/** A whole speaker with a session of every kind, and one that must notice nothing of the others. */
export class FuzzedSpeaker {
  readonly #speaker: Speaker;
  readonly #connections = new Map<Victim, number>();
  #lastConnection = bystanderConnection;
  #nowMs = 0;
  /** How many sessions the messages have ended. */
  ended = 0;

  constructor() {
    this.#speaker = new Speaker(
      {
        localAsn,
        routerId: address("10.0.0.1"),
        hostname: "fuzzed",
        peers: [bystander, ...victims.map(({ peer }) => peer)],
        originate: [prefix("203.0.113.0/24")],
      },
      { nowMs: 0, restarting: false, softwareVersion: "fuzz/1", random: () => 0.5 },
    );
    this.#speaker.start(0);
    this.#open(bystander, bystanderConnection, [
      ...multiprotocol,
      { capability: "fourOctetAs", asn: 65099 },
    ]);
    for (const route of bystanderRoutes) {
      this.#input({
        input: "received",
        connection: bystanderConnection,
        bytes: encodeMessage(announcement(route), plain)[0]!,
      });
    }
  }

  /**
   * What goes wrong when the victim sends these bytes, in one or in two pieces; undefined: nothing.
   * Whole messages are held against what the RFCs want done with them.
   */
  send(victim: Victim, bytes: Uint8Array, cutAt: number): string | undefined {
    const want = expected(bytes, victim.rules);
    if (want !== undefined) {
      const differs = decoded(bytes, victim.rules, want);
      if (differs !== undefined) return differs;
    }
    let connection = this.#connections.get(victim);
    if (connection === undefined) {
      connection = --this.#lastConnection;
      this.#open(victim.peer, connection, victim.capabilities);
      this.#connections.set(victim, connection);
    }
    const effects: Effect[] = [];
    try {
      for (const part of [bytes.slice(0, cutAt), bytes.slice(cutAt)]) {
        if (part.length === 0) continue;
        effects.push(...this.#input({ input: "received", connection, bytes: part }));
      }
    } catch (error) {
      return `the speaker threw ${error instanceof Error ? error.stack : String(error)}`;
    }
    const hasEnded = effects.some(
      (effect) => effect.do === "close" && effect.connection === connection,
    );
    const disturbed = effects.find((effect) => !isOf(effect, victim, connection!));
    if (disturbed !== undefined)
      return `another session is disturbed: ${JSON.stringify(disturbed)}`;
    if (hasEnded) this.ended++;
    const isWhole = bytes.length === messageLength(bytes);
    if (!isWhole || want?.ends || hasEnded) {
      // Bytes that are over, or still missing, would be taken for the beginning of the next message.
      if (!hasEnded) this.#input({ input: "closed", connection });
      this.#connections.delete(victim);
    }
    if (want !== undefined && isWhole && hasEnded !== want.ends) {
      return `the session ${hasEnded ? "ended" : "stayed"}, expected ${JSON.stringify(want)}`;
    }
    return undefined;
  }

  /** A peer whose OPEN is like this: whatever it says, nobody else is disturbed. */
  sendOpen(victim: Victim, bytes: Uint8Array): string | undefined {
    this.#close(victim);
    const connection = --this.#lastConnection;
    const effects: Effect[] = [];
    try {
      effects.push(
        ...this.#input({ input: "accepted", connection, ...endsOf(victim.peer) }),
        ...this.#input({ input: "received", connection, bytes }),
        ...this.#input({ input: "received", connection, bytes: keepalive }),
        ...this.#input({ input: "closed", connection }),
      );
    } catch (error) {
      return `the speaker threw ${error instanceof Error ? error.stack : String(error)}`;
    }
    const disturbed = effects.find((effect) => !isOf(effect, victim, connection));
    return disturbed && `another session is disturbed: ${JSON.stringify(disturbed)}`;
  }

  /** What is not as it should be between two messages: the bystander is up, with its routes. */
  check(): string | undefined {
    const status = this.#speaker.peers(this.#nowMs).find(({ name }) => name === bystander.name);
    if (status?.state !== "Established") return `the bystander is ${status?.state}`;
    const routes = this.#speaker
      .routesReceived(bystander.name)
      .map((route) => route.prefix)
      .sort();
    return routes.join() === bystanderRoutes.join()
      ? undefined
      : `the bystander's routes are ${routes.join()}`;
  }

  /** All victims gone, and their stale routes with them: what is left is the bystander's. */
  end(): string | undefined {
    for (const victim of victims) this.#close(victim);
    for (const { peer, capabilities } of victims.filter((one) => one.peer.gracefulRestart)) {
      // Back without graceful restart: what was kept for it goes.
      const connection = --this.#lastConnection;
      const without = capabilities.filter(({ capability }) => capability !== "gracefulRestart");
      this.#open(peer, connection, without);
      this.#input({ input: "closed", connection });
    }
    const left = this.#speaker.routesReceived().length;
    return left === bystanderRoutes.length ? this.check() : `${left} routes are left at the end`;
  }

  #close(victim: Victim): void {
    const connection = this.#connections.get(victim);
    if (connection === undefined) return;
    this.#connections.delete(victim);
    this.#input({ input: "closed", connection });
  }

  #open(peer: PeerConfig, connection: number, capabilities: Capability[]): void {
    this.#input({ input: "accepted", connection, ...endsOf(peer) });
    const bytes = openBytes(peer, capabilities);
    this.#input({ input: "received", connection, bytes });
    this.#input({ input: "received", connection, bytes: keepalive });
  }

  #input(input: Input): Effect[] {
    return this.#speaker.step(input, ++this.#nowMs);
  }
}

const keepalive = encodeMessage({ type: "KEEPALIVE" }, plain)[0]!;

/** The OPEN of a victim that is not mutated. */
export function victimOpen({ peer, capabilities }: Victim): Uint8Array {
  return openBytes(peer, capabilities);
}

function openBytes(peer: PeerConfig, capabilities: Capability[]): Uint8Array {
  return encodeMessage(
    {
      type: "OPEN",
      version: 4,
      asn: peer.asn as number,
      holdTimeSeconds: 90,
      bgpIdentifier: peer.address,
      capabilities,
    },
    plain,
  )[0]!;
}

function endsOf({ address: remoteAddress }: PeerConfig) {
  return { localAddress: address("10.0.0.1"), remoteAddress };
}

/** To others only UPDATEs go out; timers, logs and the closing are the victim's own. */
function isOf(effect: Effect, { name }: Victim, connection: number): boolean {
  switch (effect.do) {
    case "close":
    case "limitTtl":
      return effect.connection === connection;
    case "send":
      return effect.connection === connection || effect.bytes[18] === 2;
    case "connect":
    case "bfdSend":
    case "bfdClose":
      return false;
    case "log":
      return effect.peer === name;
    case "changed":
    case "setTimer":
    case "clearTimer":
    case "bmp":
    case "routes":
    case "routesSelected":
    case "trackNextHop":
    case "untrackNextHop":
      return true;
  }
}

/** As its header says; 0 where there is none. */
function messageLength(bytes: Uint8Array): number {
  return bytes.length < 19 ? 0 : (bytes[16]! << 8) + bytes[17]!;
}

/** Where the decoder says something else than the RFCs. */
function decoded(bytes: Uint8Array, rules: Rules, want: Expected): string | undefined {
  const length = messageLength(bytes);
  if (bytes[18] !== 2 || want.ends === undefined || length > bytes.length || length < 23)
    return undefined;
  if (want.ends && want.notifications[0]!.startsWith("1/")) return undefined;
  const codec: CodecOptions = {
    fourOctetAs: rules.fourOctetAs,
    extendedMessage: rules.messageBytesMax > 4096,
    external: rules.external,
    ...(rules.pathIds && { pathIdsIn: families }),
  };
  let got: Expected;
  try {
    const { message, problems } = decodeMessage(bytes.subarray(0, length), codec);
    const { announced, withdrawn } = message as UpdateMessage;
    got = {
      ends: false,
      routes: {
        announced: routesOf(announced),
        withdrawn: routesOf(withdrawn),
        discarded: problems
          .filter(({ handling }) => handling === "attributeDiscard")
          .map(({ attribute }) => attribute),
      },
    };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    got = { ends: true, notifications: [`${error.code}/${error.subcode}`] };
  }
  if (got.ends && want.ends) {
    return want.notifications.includes(got.notifications[0]!)
      ? undefined
      : `NOTIFICATION ${got.notifications[0]}, expected ${want.notifications.join(" or ")}`;
  }
  const [gotText, wantText] = [JSON.stringify(got), JSON.stringify(want)];
  return gotText === wantText ? undefined : `decoded as ${gotText}, expected ${wantText}`;
}

function routesOf(
  items: readonly { prefixes: readonly string[]; pathIds?: readonly number[] }[],
): string[] {
  return items
    .flatMap(({ prefixes, pathIds }) =>
      prefixes.map((one, i) => (pathIds === undefined ? one : `${one} ${pathIds[i]}`)),
    )
    .sort();
}

function announcement(of: string): UpdateMessage {
  return {
    type: "UPDATE",
    withdrawn: [],
    attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65099] }] },
    announced: [{ family: ipv4Unicast, nextHop: address("10.0.1.1"), prefixes: [prefix(of)] }],
  };
}
