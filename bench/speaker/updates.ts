/**
 * UPDATEs made before anything is measured, the same for every speaker (RFC 4271 §4.3): their bytes are
 * all that a speaker under test sees of the tester. Written by hand and not by the product's encoder.
 */

export type Load = {
  /** Every UPDATE, one after the other. */
  announcements: Uint8Array;
  /** What takes all of it back, each message as full as it may be. */
  withdrawals: Uint8Array;
  routes: number;
};

export type LoadOptions = {
  routes: number;
  perUpdate: number;
  /** AS number of the sender: first of every path. */
  asn: number;
  nextHop: readonly [number, number, number, number];
  /** First network, as the upper 24 bits of its address: two loads with far apart numbers share no prefix. */
  firstNetwork?: number;
};

const messageBytesMax = 4096;
/** 1.0.0.0/24, then upwards, over the networks that no route may lead to. */
const firstNetwork = 0x010000;

/** /24 prefixes, `perUpdate` to an UPDATE; AS paths of 3 to 5, two communities; each UPDATE has a path of its own. */
export function makeLoad(options: LoadOptions): Load {
  const { routes, perUpdate, asn, nextHop } = options;
  const networks = takeNetworks(options.firstNetwork ?? firstNetwork, routes);
  const announcements = new Bytes();
  for (let at = 0, update = 0; at < routes; at += perUpdate, update++) {
    announcements.message(2, () => {
      announcements.u16(0);
      announcements.sized(() => {
        announcements.raw(0x40, 1, 1, 0); // ORIGIN IGP
        const hops = 3 + (update % 3);
        announcements.raw(0x40, 2, 2 + 4 * hops, 2, hops); // AS_PATH, one sequence
        announcements.u32(asn);
        announcements.u32(100_000 + (update % 50_000));
        for (let hop = 2; hop < hops; hop++)
          announcements.u32(200_000 + ((update * 7 + hop) % 997));
        announcements.raw(0x40, 3, 4, ...nextHop);
        announcements.raw(0xc0, 8, 8); // COMMUNITIES
        announcements.u32((65_000 << 16) | (update % 100));
        announcements.u32((65_001 << 16) | (update % 89));
      });
      for (const network of networks.slice(at, at + perUpdate)) announcements.prefix(network);
    });
  }
  const withdrawals = new Bytes();
  const perWithdrawal = Math.floor((messageBytesMax - 23) / 4);
  for (let at = 0; at < routes; at += perWithdrawal) {
    withdrawals.message(2, () => {
      withdrawals.sized(() => {
        for (const network of networks.slice(at, at + perWithdrawal)) withdrawals.prefix(network);
      });
      withdrawals.u16(0);
    });
  }
  return { announcements: announcements.finish(), withdrawals: withdrawals.finish(), routes };
}

/** One UPDATE for one /24, `network` the upper 24 bits of its address, with one community. */
export function oneRoute(
  network: number,
  asn: number,
  nextHop: readonly number[],
  [high, low]: readonly [number, number],
): Uint8Array {
  const bytes = new Bytes();
  bytes.message(2, () => {
    bytes.u16(0);
    bytes.sized(() => {
      bytes.raw(0x40, 1, 1, 0, 0x40, 2, 6, 2, 1);
      bytes.u32(asn);
      bytes.raw(0x40, 3, 4, ...nextHop, 0xc0, 8, 4);
      bytes.u16(high);
      bytes.u16(low);
    });
    bytes.prefix(network);
  });
  return bytes.finish();
}

/** The tester's OPEN: IPv4 unicast, four-octet AS numbers, route refresh. */
export function openMessage(
  asn: number,
  routerId: readonly number[],
  holdTimeSeconds = 0,
): Uint8Array {
  const open = new Bytes();
  open.message(1, () => {
    open.raw(4);
    open.u16(asn > 0xffff ? 23456 : asn);
    open.u16(holdTimeSeconds);
    open.raw(...routerId);
    open.raw(16, 2, 14, 1, 4, 0, 1, 0, 1, 2, 0, 65, 4);
    open.u32(asn);
  });
  return open.finish();
}

export function keepalive(): Uint8Array {
  const bytes = new Bytes();
  bytes.message(4, () => {});
  return bytes.finish();
}

/** Upper 24 bits of `count` networks: no 127/8, nor 10/8 that the test's own links use. */
function takeNetworks(first: number, count: number): number[] {
  const networks: number[] = [];
  for (let network = first; networks.length < count; network++) {
    const octet = network >> 16;
    if (octet >= 224) throw new RangeError(`${count} networks from ${first} on do not fit`);
    if (octet !== 10 && octet !== 127) networks.push(network);
  }
  return networks;
}

class Bytes {
  #buffer = new Uint8Array(1 << 16);
  #at = 0;

  raw(...bytes: number[]): void {
    this.#room(bytes.length);
    for (const byte of bytes) this.#buffer[this.#at++] = byte;
  }

  u16(value: number): void {
    this.raw(value >>> 8, value & 0xff);
  }

  u32(value: number): void {
    this.raw(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }

  /** A /24. */
  prefix(network: number): void {
    this.raw(24, network >>> 16, (network >>> 8) & 0xff, network & 0xff);
  }

  /** What `write` writes, after its length in two octets. */
  sized(write: () => void): void {
    this.u16(0);
    const at = this.#at;
    write();
    new DataView(this.#buffer.buffer).setUint16(at - 2, this.#at - at);
  }

  message(type: number, write: () => void): void {
    const at = this.#at;
    this.raw(...Array<number>(16).fill(0xff), 0, 0, type);
    write();
    new DataView(this.#buffer.buffer).setUint16(at + 16, this.#at - at);
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * this.#buffer.length);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}
