import type { PeerConfig, PolicyStatement } from "../bgp/speaker/config.ts";
import type { AfiSafi } from "../bgp/wire/message.ts";
import { type Address, familyOf, parseAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { CompileMemory } from "./compile-memory.ts";
import { egressStatements } from "./egress-gateway.ts";
import { inOrder, statementPriority } from "./export-policy.ts";
import { InstanceError } from "./instance-error.ts";
import { interfaceStatements } from "./interface-addresses.ts";
import { LabelSelectorError } from "./labels.ts";
import type { NodeInput } from "./node-input.ts";
import { peerDefaults } from "./peer-defaults.ts";
import { podCidrStatements } from "./pod-cidr.ts";
import { podIpPoolStatements } from "./pod-ip-pool.ts";
import type { LabelSelector } from "./schema/label-selector.ts";
import type { NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import { type SelectedAdvertisements, selectAdvertisements } from "./selected-advertisements.ts";
import { sourceAddress } from "./source-interface.ts";

export type CompiledPeer = {
  /** Absent: the peer is skipped, and a session it may have is removed. */
  config?: PeerConfig;
  /** What it needs in the loc-rib; a skipped peer's advertisements are there all the same. */
  originate: (readonly Prefix[])[];
  warnings: string[];
};

export type PeerScope = {
  /** Name of the peer's instance. */
  instance: string;
  localAsn: number;
  podCidrs: readonly Prefix[];
  input: NodeInput;
  memory: CompileMemory;
};

type PeerConfigSpec = Partial<CiliumBGPPeerConfig["spec"]>;

/** One entry of `spec.bgpInstances[].peers`. Throws InstanceError. */
export function compilePeer(peer: NodePeer, at: PeerScope): CompiledPeer {
  const { peerASN } = peer;
  if (peerASN === undefined) throw new InstanceError(`peer ${peer.name} does not have a PeerASN`);
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(`peer ${peer.name}: ${message}`);

  const spec = peerConfigSpec(peer, at.input);
  // A CiliumBGPPeerConfig that does not exist yet: no session until it does.
  if (spec === undefined) return { originate: [], warnings };

  const families = familiesOf(spec, warn);
  const { originate, exportPolicy } = advertised(peer, families, at, warn);
  // Auto-discovery found no gateway, or there never was an address.
  if (peer.peerAddress === undefined) return { originate, warnings };
  // `fe80::1%eth1`, or `::%eth1` where the other end of the link says who it is.
  const [peerAddress = "", link] = peer.peerAddress.includes(":")
    ? peer.peerAddress.split("%", 2)
    : [peer.peerAddress];
  const address = parsedAddress("peer address", peerAddress);
  const local = localAddress(peer, spec, address, at.input);
  if ("problem" in local) {
    warn(`transport.sourceInterface: ${local.problem}: the peer is skipped`);
    return { originate, warnings };
  }
  const ttl =
    peerASN === at.localAsn ? undefined : (spec.ebgpMultihop ?? peerDefaults.ebgpMultihop);
  const password = passwordOf(spec, at.input);
  const { gracefulRestart, timers } = spec;
  const config: PeerConfig = {
    name: peer.name,
    address,
    // As GoBGP within Cilium: a numbered peer is told the global next hop alone.
    ...(link === undefined ? { linkLocalNextHop: false } : { interface: link }),
    asn: peerASN,
    ...(local.address !== undefined && { localAddress: local.address }),
    port: spec.transport?.peerPort ?? peerDefaults.peerPort,
    passive: false,
    holdTimeSeconds: timers?.holdTimeSeconds ?? peerDefaults.holdTimeSeconds,
    keepaliveTimeSeconds: timers?.keepAliveTimeSeconds ?? peerDefaults.keepAliveTimeSeconds,
    connectRetryTimeSeconds:
      timers?.connectRetryTimeSeconds ?? peerDefaults.connectRetryTimeSeconds,
    ...(ttl !== undefined && { ttl }),
    ...(password !== "" && { password }),
    ...(gracefulRestart?.enabled && {
      gracefulRestart: { restartTimeSeconds: gracefulRestart.restartTimeSeconds },
    }),
    families: families.map(({ family }) => family),
    exportPolicy,
    // Cilium never uses what it receives.
    importPolicy: "reject",
  };
  return { config, originate, warnings };
}

/** Undefined where the peer refers to a CiliumBGPPeerConfig that does not exist; empty where it refers to none. */
function peerConfigSpec(
  { peerConfigRef }: NodePeer,
  { peerConfigs }: NodeInput,
): PeerConfigSpec | undefined {
  if (peerConfigRef === undefined || peerConfigRef.name === "") return {};
  return peerConfigs.find(({ metadata }) => metadata.name === peerConfigRef.name)?.spec;
}

type FamilyChoice = { family: AfiSafi; selector: LabelSelector | undefined };

const defaultFamilies: readonly FamilyChoice[] = [
  { family: { afi: "ipv6", safi: "unicast" }, selector: undefined },
  { family: { afi: "ipv4", safi: "unicast" }, selector: undefined },
];

/** The families to negotiate, each once: where one is written twice, the later selector counts. */
function familiesOf(spec: PeerConfigSpec, warn: (message: string) => void): FamilyChoice[] {
  if (spec.families === undefined || spec.families.length === 0) return [...defaultFamilies];
  const chosen = new Map<AfiSafi["afi"], FamilyChoice>();
  for (const [index, { afi, safi, advertisements }] of spec.families.entries()) {
    if ((afi === "ipv4" || afi === "ipv6") && safi === "unicast") {
      chosen.set(afi, { family: { afi, safi }, selector: advertisements });
    } else {
      warn(`families[${index}] ${afi}/${safi} is not supported: it is left out`);
    }
  }
  return [...chosen.values()];
}

function select(families: readonly FamilyChoice[], input: NodeInput): SelectedAdvertisements[] {
  try {
    return selectAdvertisements(families, input.advertisements, input.poolEntries);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    throw new InstanceError(`families[].advertisements: ${error.message}`, { cause: error });
  }
}

/** What the peer's advertisements need in the loc-rib, and the statements that let it out. */
function advertised(
  peer: NodePeer,
  families: readonly FamilyChoice[],
  { instance, podCidrs, input, memory }: PeerScope,
  warn: (message: string) => void,
): { originate: (readonly Prefix[])[]; exportPolicy: PolicyStatement[] } {
  const selected = select(families, input);
  const podCidr = podCidrStatements(podCidrs, selected);
  for (const warning of podCidr.warnings) warn(warning);
  const others = [
    podCidr,
    interfaceStatements(input.network, selected),
    podIpPoolStatements(input.node, input.podIpPools, selected),
    egressStatements(input.egressIps, selected),
  ];
  const services = memory.serviceExports(`${instance}/${peer.name}`, selected, input.services);
  const statements = others.flatMap((each) => each.statements);
  const isBefore = ({ priority }: { priority: number }) => priority < statementPriority.service;
  return {
    originate: [...others.map((each) => each.originate), services.prefixes],
    // Those of Services are thousands perhaps, and in order already. To join arrays is the cheapest way to copy them.
    exportPolicy: inOrder(statements.filter(isBefore)).concat(
      services.statements,
      inOrder(statements.filter((each) => !isBefore(each))),
    ),
  };
}

/** The override's address, else that of transport.sourceInterface, else none: the kernel's choice. */
function localAddress(
  peer: NodePeer,
  { transport }: PeerConfigSpec,
  peerAddress: Address,
  { network }: NodeInput,
): { address?: Address } | { problem: string } {
  if (peer.localAddress !== undefined) {
    const local = parsedAddress("local address", peer.localAddress);
    if (familyOf(local) === familyOf(peerAddress)) return { address: local };
    throw new InstanceError(
      `peer ${peer.name}: local address ${local} is ${familyOf(local)}, peer address ${peerAddress} is not`,
    );
  }
  if (transport?.sourceInterface === undefined) return {};
  return sourceAddress(network, transport.sourceInterface, peerAddress);
}

/** Empty: no TCP MD5. A secret that does not exist gives an empty password, as in Cilium, without a word. */
function passwordOf({ authSecretRef }: PeerConfigSpec, { secrets }: NodeInput): string {
  const secret = authSecretRef === undefined ? undefined : secrets.get(authSecretRef);
  if (secret === undefined) return "";
  const password = secret["password"] ?? "";
  if (password !== "") return password;
  throw new InstanceError(
    `failed to fetch secret ${JSON.stringify(authSecretRef)}: missing password key`,
  );
}

function parsedAddress(what: string, text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new InstanceError(`failed to parse ${what} ${text}`);
  return parsed;
}
