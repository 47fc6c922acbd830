import { type Address, familyOf } from "../../net/address.ts";
import type { Place, Runtime } from "../../runtime/port.ts";
import { placeText } from "../kernel.ts";
import type { Names } from "../names.ts";
import type { Finding } from "./finding.ts";
import { droppingRules } from "./knock.ts";
import { wayTo } from "./way.ts";

/** One end of a conversation. */
export type TrafficEnd = { place: Place; address: Address };

const hopsMax = 32;

/** Undefined where packets come back. Otherwise follows the kernels' routes, hop by hop, both ways. */
export async function diagnoseTraffic(
  runtime: Runtime,
  names: Names,
  from: TrafficEnd,
  to: TrafficEnd,
): Promise<Finding | undefined> {
  const argv = ["ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", to.address];
  const ping = await runtime.exec(from.place, argv, { timeoutMs: 10_000 });
  if (/ 0% packet loss/.test(ping.stdout)) return undefined;
  const family = familyOf(to.address) === "ipv6" ? " (IPv6)" : "";
  const subject = `${placeText(from.place)} → ${placeText(to.place)}${family}`;
  const there = await followPackets(runtime, names, from.place, to);
  if ("stops" in there) return { about: "traffic", subject, ...there.stops };
  const back = await followPackets(runtime, names, to.place, from);
  if ("stops" in back) {
    const { text, ...more } = back.stops;
    return { about: "traffic", subject, ...more, text: `on the way back: ${text}` };
  }
  return {
    about: "traffic",
    subject,
    ...(await droppedOn(runtime, [...there.nodes, ...back.nodes])),
  };
}

type Told = Omit<Finding, "about" | "subject">;

/** The nodes that packets pass by the kernels' routes, or where and why they stop. */
async function followPackets(
  runtime: Runtime,
  names: Names,
  from: Place,
  to: TrafficEnd,
): Promise<{ nodes: string[] } | { stops: Told }> {
  const nodes: string[] = [];
  let at: Place = from;
  for (let hop = 0; hop < hopsMax; hop++) {
    const way = await wayTo(runtime, at, to.address);
    const where = placeText(at);
    if (at.pod === undefined) nodes.push(at.node);
    if (way.to === "itself") return { nodes };
    if (way.to === "nowhere") {
      return stops("no route", at.node, `${where} has no route to ${to.address}`, way.why, nodes);
    }
    if (!way.carrier) {
      const text = `${where} sends to ${to.address} over ${way.interface}, whose link is down`;
      return stops("link down", at.node, text, `${way.interface} has no carrier`, nodes);
    }
    // From a pod to its node; on the last node to the pod.
    if (at.pod !== undefined) {
      at = { node: at.node };
      continue;
    }
    if (at.node === to.place.node) return { nodes };
    const next =
      (way.gateway && names.nodeOfNextHop(at.node, way.gateway)) ??
      names.neighborAt(at.node, way.interface);
    if (next === undefined) {
      const via = way.gateway === undefined ? "" : ` via ${way.gateway.address}`;
      const text = `${where} sends to ${to.address} over ${way.interface}${via}, which leads out of the fabric`;
      return stops("no route", at.node, text, `dev ${way.interface}${via}`, nodes);
    }
    at = { node: next };
  }
  const text = `packets to ${to.address} go in a circle: ${nodes.slice(-4).join(", ")}`;
  return stops("no route", nodes.at(-1)!, text, nodes.join(" → "), nodes);
}

function stops(
  cause: Told["cause"],
  at: string,
  text: string,
  evidence: string,
  nodes: readonly string[],
): { stops: Told } {
  return {
    stops: {
      cause,
      at,
      text,
      evidence: [...(nodes.length > 1 ? [`way: ${nodes.join(" → ")}`] : []), evidence],
      cure:
        cause === "link down"
          ? "mend the link, or let routing know that it is down"
          : `the routes of ${at}: spinelab exec ${at} -- ip route`,
    },
  };
}

/** Every kernel knows the way: something on it drops them. */
async function droppedOn(runtime: Runtime, way: readonly string[]): Promise<Told> {
  const nodes = [...new Set(way)];
  const rules: { node: string; rule: string }[] = [];
  for (const node of nodes) {
    const found = await droppingRules(runtime, node).catch(() => []);
    rules.push(...found.map((rule) => ({ node, rule })));
  }
  const [first] = rules;
  const evidence = [
    `way: ${nodes.join(" → ")}`,
    ...rules.map(({ node, rule }) => `${node}: ${rule}`),
  ];
  if (first === undefined) {
    return {
      cause: "unknown",
      text: "every kernel on the way knows where to send, and packets are lost all the same",
      evidence,
      cure: "spinelab capture on the links of the way shows the last one that has them",
    };
  }
  return {
    cause: "dropped by a rule",
    at: first.node,
    text: `a packet filter at ${first.node} drops packets on the way`,
    evidence,
    cure: `take the rule out at ${first.node}`,
  };
}
