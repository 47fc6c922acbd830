import { headerBytes, MessageType } from "../bgp/wire/registry.ts";
import { type Address, addressFromBytes } from "../net/address.ts";
import type { UpdateCounts } from "./updates.ts";

/** pcap-linktype(7): what comes of capturing on all interfaces. */
export const linuxCooked = 113;
const cookedHeaderBytes = 16;
const cooked = { toUs: 0, sentByUs: 4 } as const;
const etherType = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const protocolTcp = 6;
const synFlag = 0x02;
const markerBytes = 16;
/** More segments than that after a missing one: it will not come any more. */
const waitingMax = 64;

type Segment = { key: string; seq: number; isSyn: boolean; payload: Uint8Array };

/**
 * Counts UPDATE messages (RFC 4271 §4.3) among the packets of one node, for speakers that count none. `own`: the
 * node's addresses; what it only forwards does not count. Segments may be missing, come twice or in another order.
 */
export class BgpTraffic {
  readonly #own: ReadonlySet<Address>;
  readonly #streams = new Map<string, Stream>();
  readonly #counts = { received: 0, sent: 0 };

  constructor(own: ReadonlySet<Address>) {
    this.#own = own;
  }

  get updates(): UpdateCounts {
    return { ...this.#counts };
  }

  /** A packet with the header of linuxCooked. */
  packet(bytes: Uint8Array): void {
    if (bytes.length < cookedHeaderBytes) return;
    const type = (bytes[0]! << 8) | bytes[1]!;
    if (type !== cooked.toUs && type !== cooked.sentByUs) return;
    const isSent = type === cooked.sentByUs;
    const segment = segmentOf((bytes[14]! << 8) | bytes[15]!, bytes.subarray(cookedHeaderBytes));
    if (segment === undefined || !this.#own.has(isSent ? segment.source : segment.destination))
      return;
    const key = `${isSent} ${segment.key}`;
    const stream = this.#streams.get(key) ?? new Stream();
    this.#streams.set(key, stream);
    this.#counts[isSent ? "sent" : "received"] += stream.take(segment);
  }
}

function segmentOf(
  protocol: number,
  ip: Uint8Array,
): (Segment & { source: Address; destination: Address }) | undefined {
  const packet =
    protocol === etherType.ipv4 ? ipv4(ip) : protocol === etherType.ipv6 ? ipv6(ip) : undefined;
  if (packet === undefined || packet.tcp.length < 20) return undefined;
  const { tcp, source, destination } = packet;
  const view = new DataView(tcp.buffer, tcp.byteOffset, tcp.length);
  return {
    ...{ source, destination },
    key: `${source} ${view.getUint16(0)} ${destination} ${view.getUint16(2)}`,
    seq: view.getUint32(4),
    isSyn: (tcp[13]! & synFlag) !== 0,
    payload: tcp.subarray((tcp[12]! >> 4) * 4),
  };
}

type IpPacket = { source: Address; destination: Address; tcp: Uint8Array };

/** Fragments are left out: BGP's packets are no longer than the path takes (RFC 1191). */
function ipv4(ip: Uint8Array): IpPacket | undefined {
  if (ip.length < 20 || ip[9] !== protocolTcp) return undefined;
  if ((((ip[6]! << 8) | ip[7]!) & 0x1fff) !== 0) return undefined;
  return {
    source: addressFromBytes(ip.subarray(12, 16)),
    destination: addressFromBytes(ip.subarray(16, 20)),
    // A link pads what is short; 0 is what segmentation offload leaves open.
    tcp: ip.subarray((ip[0]! & 0x0f) * 4, (ip[2]! << 8) | ip[3]! || ip.length),
  };
}

function ipv6(ip: Uint8Array): IpPacket | undefined {
  if (ip.length < 40 || ip[6] !== protocolTcp) return undefined;
  const length = (ip[4]! << 8) | ip[5]!;
  return {
    source: addressFromBytes(ip.subarray(8, 24)),
    destination: addressFromBytes(ip.subarray(24, 40)),
    tcp: ip.subarray(40, length === 0 ? ip.length : 40 + length),
  };
}

/** One direction of a connection. It may have been going on for long: the first message begins where a marker does. */
class Stream {
  /** Of the next byte. */
  #seq: number | undefined;
  #rest: Uint8Array = new Uint8Array();
  #isInStep = false;
  readonly #waiting = new Map<number, Uint8Array>();

  /** The UPDATEs that are whole now and were not before. */
  take({ seq, isSyn, payload }: Segment): number {
    if (isSyn) {
      this.#startAt((seq + 1) >>> 0);
      this.#isInStep = true;
      return 0;
    }
    if (payload.length === 0) return 0;
    this.#seq ??= seq;
    this.#waiting.set(seq, payload);
    // What is missing was not captured.
    if (this.#waiting.size > waitingMax) {
      this.#rest = new Uint8Array();
      this.#isInStep = false;
      const next = this.#seq;
      const aheads = Array.from(this.#waiting.keys(), (each) => (each - next) >>> 0);
      this.#seq = (next + Math.min(...aheads)) >>> 0;
    }
    return this.#inOrder();
  }

  #startAt(seq: number): void {
    this.#seq = seq;
    this.#rest = new Uint8Array();
    this.#waiting.clear();
  }

  #inOrder(): number {
    let updates = 0;
    for (;;) {
      const ready = [...this.#waiting].find(([seq]) => ((seq - this.#seq!) | 0) <= 0);
      if (ready === undefined) return updates;
      const [seq, payload] = ready;
      this.#waiting.delete(seq);
      const fresh = payload.subarray(Math.min(payload.length, (this.#seq! - seq) | 0));
      this.#seq = (this.#seq! + fresh.length) >>> 0;
      updates += this.#messages(fresh);
    }
  }

  #messages(bytes: Uint8Array): number {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    let updates = 0;
    let at = 0;
    while (all.length - at >= headerBytes) {
      const length = (all[at + markerBytes]! << 8) | all[at + markerBytes + 1]!;
      if (!isMarker(all, at) || length < headerBytes) {
        this.#isInStep = false;
        at++;
        continue;
      }
      const type = all[at + headerBytes - 1]!;
      // Of ones within something else the rest is no message.
      if (!this.#isInStep && (type < MessageType.open || type > MessageType.routeRefresh)) {
        at++;
        continue;
      }
      this.#isInStep = true;
      if (all.length - at < length) break;
      if (type === MessageType.update) updates++;
      at += length;
    }
    this.#rest = all.slice(at);
    return updates;
  }
}

function isMarker(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + markerBytes; i++) if (bytes[i] !== 0xff) return false;
  return true;
}
