import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { exchange, toldSender } from "../exchange.ts";
import { IpPacket } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { sourceAddress } from "../source-address.ts";
import { type DropReason, walk } from "../walk.ts";
import type { World } from "../world.ts";
import { ephemeralPorts } from "./curl.ts";
import { failed, type Output } from "./ip.ts";

/** There and back again; undefined: no answer. */
export function echo(world: World, from: SimNode, to: Address): number | undefined {
  const source = sourceAddress(from, to);
  if (source === undefined) return undefined;
  const done = exchange(world, from, { protocol: "icmp", source, destination: to });
  return done.outcome === "answered" ? done.rttMs : undefined;
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
/** Where traceroute's probes go, one port further each. */
const firstProbePort = 33_434;
/** How traceroute notes that its packet was turned away, after which it ends. */
const notes: Partial<Record<DropReason, string>> = {
  "no route": " !N",
  "host unreachable": " !H",
  filtered: " !X",
};

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
  if (source === undefined) return failed("connect: Network is unreachable", 1);
  const sourcePort = ephemeralPorts.first + Math.floor(world.random() * ephemeralPorts.count);
  let waitMs = 0;
  for (let ttl = 1; ttl <= hopsMax; ttl++) {
    const destinationPort = firstProbePort + ttl - 1;
    const asked = new IpPacket({
      ...{ protocol: "udp", source, sourcePort },
      ...{ destination: to, destinationPort },
    });
    const there = walk(from, asked, {
      ttl,
      random: world.random,
      nowMs: world.clock.nowMs,
    });
    const speaker =
      "arrived" in there
        ? to
        : there.speaks && there.at !== from
          ? answerAddress(there.at, asked.tuple.source, to, there.hops.at(-1)?.to.name)
          : undefined;
    const told = speaker && toldSender(world, there, from, asked, speaker);
    const note = "dropped" in there ? (notes[there.dropped] ?? "") : "";
    lines.push(told ? ` ${ttl}  ${speaker}  ${told.rttMs.toFixed(3)} ms${note}` : ` ${ttl}  *`);
    waitMs = Math.max(waitMs, told?.rttMs ?? answerWithinMs);
    if (told && ("arrived" in there || note !== "")) break;
  }
  // Its packets are on the way at the same time.
  await world.sleep(waitMs);
  return { exitCode: 0, stdout: `${lines.join("\n")}\n`, stderr: "" };
}

/** Of the interface that the packet came in by, as Linux answers; one without an address borrows one. */
function answerAddress(
  answerer: SimNode,
  asker: Address,
  to: Address,
  cameIn: string | undefined,
): Address | undefined {
  const family = familyOf(to);
  const own = answerer.interfaces
    .get(cameIn ?? "")
    ?.addresses.find((one) => familyOf(one.address) === family)?.address;
  return own ?? sourceAddress(answerer, asker);
}
