import type { Address } from "../net/address.ts";
import type { SimNode } from "./network.ts";
import { Connection, IpPacket, isSame, reversed, type Tuple } from "./netfilter.ts";
import { sourceAddress } from "./source-address.ts";
import { walk, type Walk } from "./walk.ts";
import type { World } from "./world.ts";

/** What came of a packet that asks for an answer. */
export type Exchange =
  /** `seen`: the packet as it came there, after what nodes on the way made of it. */
  | { outcome: "answered"; by: SimNode; seen: Tuple; rttMs: number }
  /** A packet rule said no; no route led on. */
  | { outcome: "refused" | "unreachable"; rttMs: number }
  | { outcome: "silence" };

/** What `ping` sends. A node without any address asks in the name of who is asked. */
export function echoRequest(from: SimNode, to: Address): IpPacket {
  const source = sourceAddress(from, to) ?? to;
  return new IpPacket({ protocol: "icmp", source, destination: to });
}

/** There and back again. `connection`: of an earlier packet that had no answer. */
export function exchange(
  world: World,
  from: SimNode,
  tuple: Tuple,
  connection = new Connection(),
): Exchange {
  const asked = new IpPacket(tuple, connection);
  const { random } = world;
  const { nowMs } = world.clock;
  const there = walk(from, asked, { random, nowMs });
  if (!("arrived" in there)) {
    const tells = there.dropped === "filtered" || there.dropped === "no route";
    const back = tells && there.speaks ? toldSender(world, there, from, asked) : undefined;
    if (back === undefined) return { outcome: "silence" };
    return { outcome: there.dropped === "filtered" ? "refused" : "unreachable", ...back };
  }
  const answer = asked.reply();
  const back = walk(there.arrived, answer, { random, nowMs: nowMs + there.delayMs });
  const isHeard =
    "arrived" in back && back.arrived === from && isSame(answer.tuple, reversed(tuple));
  if (!isHeard) return { outcome: "silence" };
  const rttMs = there.delayMs + back.delayMs;
  return { outcome: "answered", by: there.arrived, seen: asked.tuple, rttMs };
}

/** Whether an ICMP message about a packet gets back to who sent it; `source`: of the message. */
export function toldSender(
  world: World,
  { delayMs, ...end }: Walk,
  from: SimNode,
  asked: IpPacket,
  source?: Address,
): { rttMs: number } | undefined {
  const at = "arrived" in end ? end.arrived : end.at;
  const to = asked.tuple.source;
  const own = source ?? sourceAddress(at, to);
  if (own === undefined) return undefined;
  const about = { protocol: "icmp", source: own, destination: to } as const;
  const back = walk(at, new IpPacket(about, asked.connection, true), {
    random: world.random,
    nowMs: world.clock.nowMs + delayMs,
  });
  return "arrived" in back && back.arrived === from ? { rttMs: delayMs + back.delayMs } : undefined;
}
