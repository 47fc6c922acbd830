import type { Runtime } from "../../runtime/port.ts";
import { kernelAddresses } from "../kernel.ts";
import type { Names } from "../names.ts";
import type { Finding } from "./finding.ts";
import { droppingRules, type Knock, knock } from "./knock.ts";
import { otherEnd, type PeerFacts, type SpeakerFacts, transportOf } from "./speaker-facts.ts";
import { hasCarrier, wayTo } from "./way.ts";

/** The two ends of a session that is not up, as far as there are two. */
type Pair = {
  node: string;
  facts: PeerFacts;
  /** The other end: its speaker, and the session as it sees it. */
  other?: SpeakerFacts | undefined;
  back?: PeerFacts | undefined;
};

/** Why each session that is configured and not up is not; one finding a session, whichever end has it. */
export async function diagnoseSessions(
  runtime: Runtime,
  names: Names,
  speakers: readonly SpeakerFacts[],
): Promise<Finding[]> {
  const pairs = new Map<string, Pair>();
  for (const { node, peers } of speakers) {
    for (const facts of peers) {
      if (facts.state === "Established") continue;
      const other = speakers.find((one) => one.node.name === facts.other);
      const back = otherEnd(node.name, facts, other);
      // Two nodes may have a session over IPv4 and one over IPv6.
      const over = back === undefined ? facts.peer : transportOf(back.peer);
      const key = [node.name, facts.other ?? facts.peer].sort().join(" ");
      const isTold = pairs.has(`${key} ${over}`) || pairs.has(`${key} ${transportOf(facts.peer)}`);
      if (!isTold) pairs.set(`${key} ${over}`, { node: node.name, facts, other, back });
    }
  }
  return await Promise.all([...pairs.values()].map((pair) => diagnose(runtime, names, pair)));
}

async function diagnose(runtime: Runtime, names: Names, pair: Pair): Promise<Finding> {
  const told =
    notRunning(pair) ??
    heldDown(pair) ??
    (await brokenWay(runtime, names, pair)) ??
    wrongAsn(pair) ??
    notConfigured(pair);
  if (told !== undefined) return finding(pair, told);
  return finding(pair, await byKnocking(runtime, pair));
}

type Told = Pick<Finding, "cause" | "text" | "cure"> & { at?: string; evidence?: string[] };

function finding({ node, facts, other, back }: Pair, told: Told): Finding {
  const end = facts.other ?? facts.peer;
  const says = (name: string, of: PeerFacts) =>
    `${name}: ${of.state}${of.lastError === undefined ? "" : `, ${of.lastError}`}`;
  return {
    about: "session",
    subject: `${node} – ${end}`,
    ...told,
    evidence: [
      ...(told.evidence ?? []),
      says(node, facts),
      ...(back === undefined ? [] : [says(other!.node.name, back)]),
    ],
  };
}

/** Nodes without power, which may have left no session behind. */
export function diagnoseNodes(speakers: readonly SpeakerFacts[]): Finding[] {
  return speakers
    .filter(({ isDown }) => isDown)
    .map((speaker) => ({
      ...{ about: "node" as const, subject: speaker.node.name, evidence: [] },
      ...nodeDown(speaker),
    }));
}

function nodeDown({ node: { name }, unreadable }: SpeakerFacts): Told {
  return {
    cause: "node is down",
    at: name,
    text: `${name} has no power`,
    ...(unreadable !== undefined && { evidence: [unreadable] }),
    cure: `a scenario's event starts it: node: { on: ${name}, do: start }`,
  };
}

function notRunning({ other }: Pair): Told | undefined {
  if (other?.unreadable === undefined) return undefined;
  const { name } = other.node;
  if (other.isDown) return nodeDown(other);
  return {
    cause: "speaker does not run",
    at: name,
    text: `the BGP speaker of ${name} does not run`,
    evidence: [other.unreadable],
    cure: `spinelab logs ${name} tells why it ended`,
  };
}

function heldDown({ node, facts, other, back }: Pair): Told | undefined {
  for (const [at, of] of [
    [node, facts],
    [other?.node.name, back],
  ] as const) {
    if (at === undefined || of === undefined) continue;
    if (
      of.heldBy === "PfxCt" ||
      /too many (?:routes|prefixes)|maximum.prefix/i.test(of.lastError ?? "")
    ) {
      return {
        cause: "too many prefixes",
        at,
        text: `${at} was sent more prefixes than its limit for this neighbor allows, and ended the session`,
        cure: `raise maximum-prefix at ${at}, or send less; then: clear bgp ${of.peer}`,
      };
    }
    if (of.heldBy === "Admin" || /administratively|admin\. shutdown/i.test(of.lastError ?? "")) {
      return {
        cause: "shut down",
        at,
        text: `the session is shut down at ${at}`,
        cure: `at ${at}: no neighbor ${of.peer} shutdown`,
      };
    }
  }
  return undefined;
}

async function brokenWay(runtime: Runtime, names: Names, pair: Pair): Promise<Told | undefined> {
  const { node, facts, other, back } = pair;
  const ends = [
    { from: node, peer: facts.peer },
    ...(other && back ? [{ from: other.node.name, peer: back.peer }] : []),
  ];
  for (const { from, peer } of ends) {
    if (!/[.:]/.test(peer)) {
      if (await hasCarrier(runtime, { node: from }, peer)) continue;
      return linkDown(names, from, peer);
    }
    const way = await wayTo(runtime, { node: from }, peer);
    if (way.to === "link" && !way.carrier) return linkDown(names, from, way.interface);
    if (way.to === "nowhere") {
      return {
        cause: "no route to the peer",
        at: from,
        text: `${from} has no route to its neighbor's address ${peer}`,
        evidence: [`ip route get ${peer}: ${way.why}`],
        cure: `a route to ${peer} at ${from}, or an address that is on the link`,
      };
    }
  }
  return undefined;
}

function linkDown(names: Names, node: string, name: string): Told {
  const far = names.neighborsOf(node).find(({ own }) => own === name)?.other;
  const link = `${node}:${name}${far === undefined ? "" : ` – ${far.node}:${far.interface}`}`;
  return {
    cause: "link down",
    at: node,
    text: `the link ${link} is down`,
    evidence: [`${node}:${name} has no carrier`],
    cure: `spinelab link ${node}:${name} up, where it was cut on purpose`,
  };
}

function wrongAsn({ node, facts, other, back }: Pair): Told | undefined {
  if (other === undefined) return badPeerAs(node, facts);
  const far = other.node.name;
  const farAsn = back?.localAsn ?? other.peers[0]?.localAsn;
  const views = [
    { at: node, of: facts, who: far, asn: farAsn },
    ...(back === undefined ? [] : [{ at: far, of: back, who: node, asn: facts.localAsn }]),
  ];
  for (const { at, of, who, asn } of views) {
    if (asn === undefined || asn === 0) continue;
    const isExternal = of.expectedAsn === undefined && !of.isInternal;
    if (of.expectedAsn !== undefined && of.expectedAsn !== asn) {
      return asnFinding(at, `expects AS ${of.expectedAsn} of ${who}, which is AS ${asn}`, of, asn);
    }
    if (isExternal && asn === of.localAsn && /Bad Peer AS/i.test(of.lastError ?? "")) {
      return asnFinding(at, `expects another AS of ${who}, which is AS ${asn} as well`, of, asn);
    }
  }
  // What an end said last may be of before its configuration was put right.
  if (back !== undefined && views.every(({ of, asn }) => of.expectedAsn === asn)) return undefined;
  return badPeerAs(node, facts) ?? (back && badPeerAs(far, back));
}

function asnFinding(at: string, what: string, { peer }: PeerFacts, asn: number): Told {
  return {
    cause: "wrong AS number",
    at,
    text: `${at} ${what}`,
    cure: `at ${at}: neighbor ${peer} remote-as ${asn} (peerASN in a CiliumBGPClusterConfig), or the other end's own number`,
  };
}

/** OPEN Message Error, Bad Peer AS: RFC 4271 §6.2. */
function badPeerAs(at: string, { lastError = "", peer }: PeerFacts): Told | undefined {
  if (!/Bad Peer AS/i.test(lastError)) return undefined;
  return {
    cause: "wrong AS number",
    at,
    text: `the AS numbers of ${at} and its neighbor ${peer} are not what the ends expect`,
    cure: "compare the remote AS of each end with the local AS of the other",
  };
}

function notConfigured({ node, facts, other, back }: Pair): Told | undefined {
  if (other === undefined || back !== undefined) return undefined;
  const { name } = other.node;
  return {
    cause: "not configured",
    at: name,
    text: `${name} has no session with ${node} configured`,
    evidence: [`${node} calls ${facts.peer}`],
    cure: `a neighbor at ${name}, or a listen range that takes ${node} in`,
  };
}

/** What is left shows only in a connection that is tried. */
async function byKnocking(runtime: Runtime, pair: Pair): Promise<Told> {
  const { node, facts, other, back } = pair;
  const far = other?.node.name;
  const tries: { from: string; to: string; knock: Knock }[] = [];
  for (const [from, to, of] of [
    [node, far, facts],
    [far, node, back],
  ] as const) {
    if (from === undefined || of === undefined) continue;
    const address = await addressToCall(runtime, from, to, of.peer);
    if (address === undefined) continue;
    tries.push({
      from,
      to: to ?? of.peer,
      knock: await knock(runtime, { node: from }, address, to ?? from),
    });
  }
  return (
    passwords(tries) ??
    (await filtered(runtime, tries)) ??
    refused(tries) ?? {
      cause: "unknown",
      text: `nothing that spinelab looks at explains it: ${facts.lastError ?? "the speaker gives no reason"}`,
      evidence: tries.map((one) => `TCP ${one.from} → ${one.to}:179: ${one.knock.outcome}`),
      cure: `spinelab logs ${node}, and spinelab capture ${node}:IF -- tcp port 179`,
    }
  );
}

type Try = { from: string; to: string; knock: Knock };

function passwords(tries: readonly Try[]): Told | undefined {
  for (const { from, to, knock: of } of tries) {
    if (!of.passwordWanted && !of.passwordUnexpected) continue;
    const text = of.passwordWanted
      ? of.passwordWrong
        ? `${from} and ${to} have different TCP MD5 passwords`
        : `${to} wants a TCP MD5 password that ${from} does not give`
      : `${from} signs with a TCP MD5 password, and ${to} has none`;
    return {
      cause: "wrong password",
      at: to,
      text,
      evidence: [
        `the kernel of ${to} drops segments of port 179: ${[
          of.passwordWanted && "TCPMD5NotFound",
          of.passwordWrong && "TCPMD5Failure",
          of.passwordUnexpected && "TCPMD5Unexpected",
        ]
          .filter(Boolean)
          .join(", ")}`,
      ],
      cure: `the same password at both ends: neighbor … password, authSecretRef of CiliumBGPPeerConfig`,
    };
  }
  return undefined;
}

async function filtered(runtime: Runtime, tries: readonly Try[]): Promise<Told | undefined> {
  const open = tries.filter((one) => one.knock.outcome === "connected");
  const silent = tries.filter(
    ({ knock: { outcome } }) => outcome === "silence" || outcome === "unreachable",
  );
  if (silent.length === 0 || open.length > 0) return undefined;
  const nodes = [...new Set(silent.flatMap(({ from, to }) => [from, to]))];
  const rules: { node: string; rule: string }[] = [];
  for (const node of nodes) {
    const found = await droppingRules(runtime, node, /\b(?:179|bgp)\b/).catch(() => []);
    rules.push(...found.map((rule) => ({ node, rule })));
  }
  const [first] = rules;
  const { from, to } = silent[0]!;
  return {
    cause: "port 179 filtered",
    ...(first && { at: first.node }),
    text:
      first === undefined
        ? `TCP port 179 gets no answer between ${from} and ${to}: something on the way drops it`
        : `a packet filter at ${first.node} drops TCP port 179`,
    evidence: [
      ...silent.map((one) => `TCP ${one.from} → ${one.to}:179: ${one.knock.outcome}`),
      ...rules.map(({ node, rule }) => `${node}: ${rule}`),
    ],
    cure:
      first === undefined
        ? `spinelab capture on the links between them, -- tcp port 179, shows where it ends`
        : `take the rule out at ${first.node}, or let TCP port 179 through before it`,
  };
}

function refused(tries: readonly Try[]): Told | undefined {
  if (tries.length === 0 || tries.some((one) => one.knock.outcome !== "refused")) return undefined;
  const nodes = tries.map(({ to }) => to).join(" nor ");
  return {
    cause: "nobody listens",
    at: tries[0]!.to,
    text: `neither end takes connections: ${nodes} refuses TCP port 179`,
    cure: "one of the two must listen: localPort of a CiliumBGPClusterConfig, or a router",
  };
}

/** What to call; of an unnumbered session the link-local address of the other end. */
async function addressToCall(
  runtime: Runtime,
  from: string,
  to: string | undefined,
  peer: string,
): Promise<string | undefined> {
  if (/[.:]/.test(peer)) return peer;
  if (to === undefined) return undefined;
  const asked = await runtime.exec(
    { node: from },
    ["ip", "-j", "-6", "neigh", "show", "dev", peer],
    {
      timeoutMs: 5000,
    },
  );
  const neighbors =
    asked.exitCode === 0 ? (JSON.parse(asked.stdout || "[]") as { dst: string }[]) : [];
  const own = new Set(
    (await kernelAddresses(runtime, { node: to })).map(({ address }) => address as string),
  );
  const address = neighbors.find(({ dst }) => own.has(dst))?.dst;
  return address === undefined ? undefined : `${address}%${peer}`;
}
