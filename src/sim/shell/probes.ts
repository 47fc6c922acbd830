import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import type { SimNode } from "../network.ts";
import { sourceAddress } from "../tcp.ts";
import { walk } from "../walk.ts";
import type { World } from "../world.ts";
import { failed, type Output } from "./ip.ts";

/** There and back again; undefined: no answer. */
export function echo(world: World, from: SimNode, to: Address): number | undefined {
  const source = sourceAddress(from, to);
  if (source === undefined) return undefined;
  const there = walk(from, to, { flow: flowOf(source, to), random: world.random });
  if (!("arrived" in there)) return undefined;
  const back = walk(there.arrived, source, { flow: flowOf(to, source), random: world.random });
  if (!("arrived" in back) || back.arrived !== from) return undefined;
  return there.delayMs + back.delayMs;
}

/** As Linux hashes without ports: all packets between two addresses go one way. */
function flowOf(from: Address, to: Address): number {
  let hash = 0;
  for (const letter of `${from} ${to}`) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return hash;
}

/** `ping -n -c COUNT -i SECONDS -W SECONDS ADDRESS`. */
export async function ping(
  world: World,
  from: SimNode,
  argv: readonly string[],
): Promise<Output | undefined> {
  const option = (name: string) => {
    const at = argv.indexOf(name);
    return at < 0 ? undefined : Number(argv[at + 1]);
  };
  const to = parseAddress(argv.at(-1) ?? "");
  const count = option("-c");
  if (to === undefined || count === undefined) return undefined;
  const everyMs = 1000 * (option("-i") ?? 1);
  if (sourceAddress(from, to) === undefined) {
    return failed("ping: connect: Network is unreachable");
  }
  const rttsMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const rttMs = echo(world, from, to);
    if (rttMs !== undefined) rttsMs.push(rttMs);
    const isLast = i === count - 1;
    const lastMs = rttMs ?? 1000 * (option("-W") ?? 10);
    await world.sleep(isLast ? lastMs : everyMs);
  }
  const loss = Math.round((100 * (count - rttsMs.length)) / count);
  const mean = rttsMs.reduce((sum, ms) => sum + ms, 0) / rttsMs.length;
  const times = [Math.min(...rttsMs), mean, Math.max(...rttsMs), 0].map((ms) => ms.toFixed(3));
  return {
    exitCode: rttsMs.length > 0 ? 0 : 1,
    stdout: [
      `--- ${to} ping statistics ---`,
      `${count} packets transmitted, ${rttsMs.length} received, ${loss}% packet loss, time 0ms`,
      ...(rttsMs.length > 0 ? [`rtt min/avg/max/mdev = ${times.join("/")} ms`] : []),
      "",
    ].join("\n"),
    stderr: "",
  };
}

const hopsMaxDefault = 30;
const answerWithinMs = 1_000;

/** `traceroute -n -q 1 -w SECONDS -m HOPS ADDRESS`. */
export async function traceroute(
  world: World,
  from: SimNode,
  argv: readonly string[],
): Promise<Output | undefined> {
  const to = parseAddress(argv.at(-1) ?? "");
  if (to === undefined) return undefined;
  const at = argv.indexOf("-m");
  const hopsMax = at < 0 ? hopsMaxDefault : Number(argv[at + 1]);
  const lines = [`traceroute to ${to} (${to}), ${hopsMax} hops max, 60 byte packets`];
  const source = sourceAddress(from, to);
  const flow = source === undefined ? 0 : flowOf(source, to);
  let waitMs = 0;
  for (let ttl = 1; ttl <= hopsMax; ttl++) {
    const there = walk(from, to, { ttl, flow, random: world.random });
    const answerer =
      "arrived" in there ? there.arrived : there.speaks && there.at !== from ? there.at : undefined;
    const speaker = answerer && answerAddress(answerer, from, to, there.hops.at(-1)?.to.name);
    const isHeard = speaker !== undefined && hears(world, answerer!, from, to);
    lines.push(` ${ttl}  ${isHeard ? `${speaker}  ${(2 * there.delayMs).toFixed(3)} ms` : "*"}`);
    waitMs = Math.max(waitMs, isHeard ? 2 * there.delayMs : answerWithinMs);
    if ("arrived" in there && isHeard) break;
  }
  // Its packets are on the way at the same time.
  await world.sleep(waitMs);
  return { exitCode: 0, stdout: `${lines.join("\n")}\n`, stderr: "" };
}

function hears(world: World, answerer: SimNode, from: SimNode, to: Address): boolean {
  const source = sourceAddress(from, to);
  if (source === undefined) return false;
  const back = walk(answerer, source, { random: world.random });
  return "arrived" in back && back.arrived === from;
}

/** Of the interface that the packet came in by, as Linux answers; one without an address borrows one. */
function answerAddress(
  answerer: SimNode,
  from: SimNode,
  to: Address,
  cameIn: string | undefined,
): Address | undefined {
  if (answerer.ownerOf(to) !== undefined) return to;
  const family = familyOf(to);
  const own = answerer.interfaces
    .get(cameIn ?? "")
    ?.addresses.find((one) => familyOf(one.address) === family)?.address;
  if (own !== undefined) return own;
  const source = sourceAddress(from, to);
  return source && sourceAddress(answerer, source);
}
