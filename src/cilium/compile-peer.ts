import type { PeerConfig } from "../bgp/speaker/config.ts";
import type { AfiSafi } from "../bgp/wire/message.ts";
import { type Address, parseAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { inOrder } from "./export-policy.ts";
import { InstanceError } from "./instance-error.ts";
import { LabelSelectorError } from "./labels.ts";
import type { NodeInput } from "./node-input.ts";
import { peerDefaults } from "./peer-defaults.ts";
import { podCidrStatements } from "./pod-cidr.ts";
import type { LabelSelector } from "./schema/label-selector.ts";
import type { NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import { type SelectedAdvertisements, selectAdvertisements } from "./selected-advertisements.ts";

export type CompiledPeer = {
  /** Absent: the peer is skipped, and a session it may have is removed. */
  config?: PeerConfig;
  /** What it needs in the loc-rib; a skipped peer's advertisements are there all the same. */
  originate: Prefix[];
  warnings: string[];
};

type PeerConfigSpec = Partial<CiliumBGPPeerConfig["spec"]>;

/** One entry of `spec.bgpInstances[].peers`. Throws InstanceError. */
export function compilePeer(
  peer: NodePeer,
  at: { localAsn: number; podCidrs: readonly Prefix[]; input: NodeInput },
): CompiledPeer {
  const { peerASN } = peer;
  if (peerASN === undefined) throw new InstanceError(`peer ${peer.name} does not have a PeerASN`);
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(`peer ${peer.name}: ${message}`);

  const spec = peerConfigSpec(peer, at.input);
  // A CiliumBGPPeerConfig that does not exist yet: no session until it does.
  if (spec === undefined) return { originate: [], warnings };

  const families = familiesOf(spec, warn);
  const selected = select(families, at.input);
  warnAboutUnsupported(selected, warn);
  const podCidr = podCidrStatements(at.podCidrs, selected);
  for (const warning of podCidr.warnings) warn(warning);

  const { originate } = podCidr;
  if (peer.peerAddress === undefined) {
    if (peer.autoDiscovery !== undefined) {
      warn(`autoDiscovery is not supported yet: without peerAddress the peer is skipped`);
    }
    return { originate, warnings };
  }
  if (spec.transport?.sourceInterface !== undefined && peer.localAddress === undefined) {
    warn(`transport.sourceInterface is not supported yet: the kernel chooses the source address`);
  }
  const ttl =
    peerASN === at.localAsn ? undefined : (spec.ebgpMultihop ?? peerDefaults.ebgpMultihop);
  const password = passwordOf(spec, at.input);
  const { gracefulRestart, timers } = spec;
  const config: PeerConfig = {
    name: peer.name,
    address: parsedAddress("peer address", peer.peerAddress),
    asn: peerASN,
    ...(peer.localAddress !== undefined && {
      localAddress: parsedAddress("local address", peer.localAddress),
    }),
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
    exportPolicy: inOrder(podCidr.statements),
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
    return selectAdvertisements(families, input.advertisements);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    throw new InstanceError(`families[].advertisements: ${error.message}`, { cause: error });
  }
}

/** Types that are selected but that nothing is made of yet. */
function warnAboutUnsupported(
  selected: readonly SelectedAdvertisements[],
  warn: (message: string) => void,
): void {
  for (const { family, advertisements } of selected) {
    for (const { resource, entry } of advertisements) {
      if (entry.advertisementType === "PodCIDR") continue;
      warn(
        `CiliumBGPAdvertisement ${resource}: advertisementType ${entry.advertisementType} is not ` +
          `supported yet: nothing is advertised for it in ${family.afi}`,
      );
    }
  }
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
