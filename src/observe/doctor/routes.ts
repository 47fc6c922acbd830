import { prefixFamily, type Prefix } from "../../net/prefix.ts";
import type { Runtime } from "../../runtime/port.ts";
import type { FabricNode } from "../../topology/fabric.ts";
import { frrJson } from "../frr.ts";
import { kernelRoutes } from "../kernel.ts";
import type { Names } from "../names.ts";
import type { AddressFamily, RibRoute } from "../rib-view.ts";
import { hasAgent, readRoutes } from "../router.ts";
import type { Finding } from "./finding.ts";
import { otherEnd, type PeerFacts, type SpeakerFacts } from "./speaker-facts.ts";
import { wayTo } from "./way.ts";

type Tables = ReadonlyMap<string, readonly RibRoute[]>;

type Told = Omit<Finding, "about" | "subject">;

/**
 * Follows each prefix from where it is announced over the sessions that are up, and tells the hop at
 * which it stops, and why. What a speaker that never got it does not pass on is no finding of its own.
 */
export async function diagnoseRoutes(
  runtime: Runtime,
  names: Names,
  speakers: readonly SpeakerFacts[],
  prefixes: readonly Prefix[] | undefined,
): Promise<Finding[]> {
  const tables = new Map(
    await Promise.all(
      speakers.map(
        async ({ node, unreadable }) =>
          [node.name, unreadable === undefined ? await readBoth(runtime, node) : []] as const,
      ),
    ),
  );
  const silent = prefixes === undefined ? silentAgents(speakers, tables) : [];
  const wanted = prefixes ?? announcedPodCidrs(speakers, tables);
  const found = await Promise.all(
    wanted.map((prefix) => follow(runtime, names, speakers, tables, prefix)),
  );
  return [...silent, ...found.flat()];
}

async function readBoth(runtime: Runtime, node: FabricNode): Promise<RibRoute[]> {
  const families = ["ipv4-unicast", "ipv6-unicast"] as const;
  const read = families.map((family) => readRoutes(runtime, node, family).catch(() => []));
  return (await Promise.all(read)).flat();
}

function familyOf(prefix: Prefix): AddressFamily {
  return `${prefixFamily(prefix)}-unicast`;
}

/** Sessions of a family are up, and nothing goes out over them: no advertisement is for these nodes. */
function silentAgents(speakers: readonly SpeakerFacts[], tables: Tables): Finding[] {
  return speakers
    .filter(({ node }) => hasAgent(node))
    .flatMap(({ node, peers }) => {
      const up = peers.filter(({ state }) => state === "Established");
      const silent = (node.kubernetes?.podCidrs ?? []).filter((podCidr) => {
        const family = familyOf(podCidr);
        const own = tables.get(node.name)!.filter(isOwn);
        return (
          up.some(({ families }) => families[family] !== undefined) &&
          !own.some((path) => familyOf(path.prefix) === family)
        );
      });
      return silent.map((podCidr): Finding => {
        const family = prefixFamily(podCidr) === "ipv4" ? "IPv4" : "IPv6";
        return {
          about: "route",
          subject: `${podCidr} at ${node.name}`,
          cause: "not announced",
          at: node.name,
          text: `${node.name} has sessions and announces nothing of ${family}: no CiliumBGPAdvertisement matches`,
          evidence: [`bgp routes of ${node.name}: none of its own of ${family}`],
          cure: "labels of CiliumBGPAdvertisement against families[].advertisements of CiliumBGPPeerConfig",
        };
      });
    });
}

function announcedPodCidrs(speakers: readonly SpeakerFacts[], tables: Tables): Prefix[] {
  return speakers.flatMap(({ node }) =>
    (node.kubernetes?.podCidrs ?? []).filter((prefix) =>
      tables.get(node.name)!.some((path) => path.prefix === prefix && isOwn(path)),
    ),
  );
}

function isOwn(path: RibRoute): boolean {
  return path.peer === undefined;
}

async function follow(
  runtime: Runtime,
  names: Names,
  speakers: readonly SpeakerFacts[],
  tables: Tables,
  prefix: Prefix,
): Promise<Finding[]> {
  const family = familyOf(prefix);
  const of = (node: string) => (tables.get(node) ?? []).filter((path) => path.prefix === prefix);
  const origins = speakers.filter(({ node }) => of(node.name).some(isOwn));
  if (origins.length === 0) {
    return [
      {
        about: "route",
        subject: prefix,
        cause: "not announced",
        text: `nobody announces ${prefix}`,
        evidence: speakers.map(({ node }) => `${node.name}: ${of(node.name).length} paths`),
        cure: "a network statement, redistribution, or a CiliumBGPAdvertisement that covers it",
      },
    ];
  }
  // Whoever has a path that it can use passes it on; an agent passes on its own alone.
  const reached = new Set(origins.map(({ node }) => node.name));
  const queue = [...origins];
  const lost: { from: SpeakerFacts; session: PeerFacts; to: SpeakerFacts }[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (hasAgent(next.node) && !origins.includes(next)) continue;
    for (const session of next.peers) {
      const to = speakers.find(({ node }) => node.name === session.other);
      // An agent uses nothing that it receives: what it lacks is nobody's loss.
      if (to === undefined || hasAgent(to.node) || reached.has(to.node.name)) continue;
      if (session.state !== "Established") continue;
      if (!carries(session, next, to, family)) {
        if (!haveOneThat(next, to, family)) lost.push({ from: next, session, to });
        continue;
      }
      if (of(to.node.name).some((path) => path.best)) {
        reached.add(to.node.name);
        queue.push(to);
      } else lost.push({ from: next, session, to });
    }
  }
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const { from, session, to } of lost) {
    const { name } = to.node;
    if (reached.has(name) || told.has(name)) continue;
    const why = await whyLost(runtime, names, prefix, from, session, to, {
      from: of(from.node.name),
      to: of(name),
    });
    if (why === undefined) continue;
    told.add(name);
    findings.push({ about: "route", subject: `${prefix} at ${name}`, ...why });
  }
  const uninstalled = await Promise.all(
    speakers
      .filter(({ node }) => reached.has(node.name) && !hasAgent(node))
      .map(({ node }) => notInKernel(runtime, node.name, prefix, of(node.name))),
  );
  return [...findings, ...uninstalled.flat()];
}

/** Whether both ends have switched the family on. */
function carries(
  session: PeerFacts,
  from: SpeakerFacts,
  to: SpeakerFacts,
  family: AddressFamily,
): boolean {
  const back = otherEnd(from.node.name, session, to);
  return session.families[family] !== undefined && back?.families[family] !== undefined;
}

/** Another session of the two may be for the family, up or not. */
function haveOneThat(from: SpeakerFacts, to: SpeakerFacts, family: AddressFamily): boolean {
  return from.peers.some(
    (session) => session.other === to.node.name && carries(session, from, to, family),
  );
}

async function whyLost(
  runtime: Runtime,
  names: Names,
  prefix: Prefix,
  from: SpeakerFacts,
  session: PeerFacts,
  to: SpeakerFacts,
  paths: { from: readonly RibRoute[]; to: readonly RibRoute[] },
): Promise<Told | undefined> {
  const [giver, taker] = [from.node.name, to.node.name];
  const [held] = paths.to;
  if (held !== undefined && !held.valid) {
    return await unresolved(runtime, names, taker, held);
  }
  const best = paths.from.find((path) => path.best);
  const back = otherEnd(giver, session, to);
  const family = familyOf(prefix);
  // An agent tells what both ends agreed on, a router what is configured there: it is asked first.
  const without = [
    { at: taker, of: back },
    { at: giver, of: session },
  ].find(({ of }) => of !== undefined && of.families[family] === undefined);
  if (without !== undefined) {
    return {
      cause: "family not activated",
      at: without.at,
      text: `the session of ${giver} and ${taker} is up, and ${without.at} has not switched ${family} on for it`,
      evidence: [`${without.at}: ${Object.keys(without.of!.families).join(", ") || "no family"}`],
      cure: `at ${without.at}: address-family ${family.replace("-", " ")}, neighbor ${without.of!.peer} activate (families of CiliumBGPPeerConfig)`,
    };
  }
  const policyIn = back?.families[family]?.in;
  if (best !== undefined && best.peer !== undefined) {
    const source = names.nodeOfNextHop(giver, { address: best.peer });
    if (source === taker) return undefined; // It is where the route came from.
    const learned = from.peers.find((one) => one.other === source);
    if (learned?.isInternal && session.isInternal) {
      return {
        cause: "iBGP is not passed on",
        at: giver,
        text: `${giver} has ${prefix} from an iBGP neighbor and tells no other iBGP neighbor, ${taker} among them`,
        evidence: [`${giver}: learned from ${source ?? best.peer}`],
        cure: `make ${giver} a route reflector for ${taker}, or have a session between them`,
      };
    }
  }
  if (best?.communities?.some((one) => /^no-(?:export|advertise|peer)$/i.test(one))) {
    return {
      cause: "withheld by policy",
      at: giver,
      text: `${giver} keeps ${prefix} to itself: it bears ${best.communities.join(" ")}`,
      evidence: [`${giver}: communities ${best.communities.join(" ")}`],
      cure: "whoever sets the community decides how far the route goes",
    };
  }
  const sent = await isSent(runtime, from, session, prefix);
  if (sent === false) return withheld(prefix, giver, taker, session);
  if (best?.asPath.split(" ").includes(String(back?.localAsn))) {
    return {
      cause: "AS loop",
      at: taker,
      text: `${taker} is AS ${back?.localAsn}, which is in the path of ${prefix} already: it must not take it`,
      evidence: [`${giver}: AS path ${best.asPath}`],
      cure: `AS numbers of their own, or allowas-in at ${taker}, as-override at ${giver}`,
    };
  }
  return {
    cause: policyIn === undefined ? "unknown" : "rejected by policy",
    at: taker,
    text:
      policyIn === undefined
        ? `${giver} tells ${taker} of ${prefix}, and ${taker} does not keep it`
        : policyIn === "required"
          ? `${taker} takes nothing from ${giver} without a policy (RFC 8212)`
          : `${taker} rejects ${prefix} of ${giver}, by ${policyIn}`,
    evidence: [`${giver} advertises it to ${session.peer}`],
    cure:
      policyIn === "required"
        ? `at ${taker}: no bgp ebgp-requires-policy, or a policy for the way in`
        : `the policies of ${taker} for the way in`,
  };
}

function withheld(prefix: Prefix, giver: string, taker: string, session: PeerFacts): Told {
  const policyOut = session.families[familyOf(prefix)]?.out;
  return {
    cause: "withheld by policy",
    at: giver,
    text:
      policyOut === "required"
        ? `${giver} gives ${taker} nothing without a policy (RFC 8212)`
        : `${giver} has ${prefix} and does not tell ${taker}${policyOut === undefined ? "" : `, by ${policyOut}`}`,
    evidence: [`${giver}: not among the routes advertised to ${session.peer}`],
    cure:
      policyOut === "required"
        ? `at ${giver}: no bgp ebgp-requires-policy, or a policy for the way out`
        : `the policies of ${giver} for the way out to ${session.peer}`,
  };
}

async function unresolved(
  runtime: Runtime,
  names: Names,
  node: string,
  path: RibRoute,
): Promise<Told> {
  const [hop] = path.nextHops;
  const who = hop === undefined ? undefined : names.nodeOfNextHop(node, hop);
  const way = hop && (await wayTo(runtime, { node }, hop.address));
  const why =
    way === undefined
      ? "it has none"
      : way.to === "nowhere"
        ? way.why
        : way.to === "link" && !way.carrier
          ? `the link ${node}:${way.interface} is down`
          : way.to === "link" && way.gateway !== undefined
            ? `it is reached only over ${names.nodeOfNextHop(node, way.gateway) ?? way.gateway.address}, by a route that does not count (a default route)`
            : "the kernel reaches it, the router does not count it as reachable";
  return {
    cause: "next hop unresolved",
    at: node,
    text: `${node} has ${path.prefix}, and cannot use it: the next hop ${hop?.address ?? "?"}${who === undefined ? "" : ` (${who})`} is not reachable`,
    evidence: [`next hop ${hop?.address ?? "?"} at ${node}: ${why}`],
    cure: `a route to the next hop at ${node}, or next-hop-self where it comes in`,
  };
}

/** Undefined where the speaker does not tell. */
async function isSent(
  runtime: Runtime,
  { node }: SpeakerFacts,
  { peer }: PeerFacts,
  prefix: Prefix,
): Promise<boolean | undefined> {
  if (hasAgent(node)) return undefined;
  try {
    const command = `show bgp ${familyOf(prefix).replace("-", " ")} neighbors ${peer} advertised-routes`;
    const json = (await frrJson(runtime, node.name, "bgpd", command)) as {
      advertisedRoutes?: Record<string, unknown>;
    };
    return json.advertisedRoutes !== undefined && prefix in json.advertisedRoutes;
  } catch {
    return undefined;
  }
}

async function notInKernel(
  runtime: Runtime,
  node: string,
  prefix: Prefix,
  paths: readonly RibRoute[],
): Promise<Finding[]> {
  const used = paths.filter((path) => path.best && path.nextHops.length > 0);
  if (used.length === 0) return [];
  const routes = await kernelRoutes(runtime, { node }, prefixFamily(prefix));
  const there = routes.filter((one) => one.prefix === prefix && one.table === "main");
  if (there.some((one) => one.type === "unicast")) return [];
  return [
    {
      about: "route",
      subject: `${prefix} at ${node}`,
      cause: "not in the kernel",
      at: node,
      text: `the BGP table of ${node} has ${prefix}, its kernel does not use it`,
      evidence: [
        there.length === 0
          ? "the kernel's main table has no such route"
          : `the kernel has a ${there[0]!.type} route of it`,
      ],
      cure: `vtysh -c 'show ip route ${prefix}' at ${node} tells what zebra prefers; is zebra running?`,
    },
  ];
}
