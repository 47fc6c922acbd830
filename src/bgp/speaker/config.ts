import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "../rib/export-policy.ts";
import type { AfiSafi } from "../wire/message.ts";

export type { PolicyStatement };

/** Everything a speaker is told. Plain values: no Kubernetes and no Cilium type reaches past here. */
export type SpeakerConfig = {
  localAsn: number;
  /** BGP Identifier (RFC 4271 §4.2; RFC 6286: any non-zero 32-bit value). */
  routerId: Address;
  /** TCP port to listen on; undefined: do not listen, which is Cilium's default. */
  listenPort?: number;
  /** Host name for the FQDN capability, so that FRR shows `kind-worker(10.0.2.2)`. */
  hostname: string;
  peers: PeerConfig[];
  /** Own prefixes. Which peer gets which, and with what attributes, is up to the export policies. */
  originate: Prefix[];
};

export type PeerConfig = {
  /** Unique within a speaker. */
  name: string;
  address: Address;
  /** Expected AS number in the peer's OPEN; 0 accepts any. */
  asn: number;
  /** Source address of the connection; undefined: the kernel chooses. */
  localAddress?: Address;
  /** TCP port to connect to. */
  port: number;
  /** Never connect, only accept. */
  passive: boolean;
  /** Proposed Hold Time: 0 or at least 3 (RFC 4271 §4.2). */
  holdTimeSeconds: number;
  keepaliveTimeSeconds: number;
  connectRetryTimeSeconds: number;
  /** IP TTL of the session: 1 for a directly connected eBGP peer. Undefined: the system's default. */
  ttl?: number;
  /** TCP MD5 password (RFC 2385). Never logged. */
  password?: string;
  /** Undefined: the capability is not sent. */
  gracefulRestart?: { restartTimeSeconds: number };
  families: AfiSafi[];
  /** What may be advertised: first match wins, nothing matching is rejected. */
  exportPolicy: PolicyStatement[];
  /** What is done with routes received: Cilium keeps, counts and shows them but never uses them. */
  importPolicy: "accept" | "reject";
};
