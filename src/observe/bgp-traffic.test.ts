import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { address } from "../net/address.ts";
import { BgpTraffic } from "./bgp-traffic.ts";
import { PcapReader } from "./pcap.ts";

const us = [10, 9, 0, 1];
const them = [10, 9, 0, 2];
const own = new Set([address("10.9.0.1")]);

const message = (type: number, body: number[]) => [
  ...Array<number>(16).fill(0xff),
  ...[(19 + body.length) >> 8, (19 + body.length) & 0xff, type],
  ...body,
];
const bytesOf4 = (value: number) => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];

type Segment = {
  from: number[];
  to: number[];
  type: number;
  seq: number;
  payload: number[];
  isSyn?: boolean;
};

/** As tcpdump hands it out: cooked header, IPv4, TCP. */
function packet({ from, to, type, seq, payload, isSyn = false }: Segment): Uint8Array {
  const length = 40 + payload.length;
  const ip = [0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 6, 0, 0, ...from, ...to];
  const tcp = [
    0,
    179,
    0x9c,
    0x40,
    ...bytesOf4(seq),
    0,
    0,
    0,
    0,
    0x50,
    isSyn ? 2 : 0x10,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const header = [0, type, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];
  return Uint8Array.from([...header, ...ip, ...tcp, ...payload]);
}
const received = { from: them, to: us, type: 0 };
const sent = { from: us, to: them, type: 4 };

describe("UPDATEs among a node's packets", () => {
  const update = message(2, [0, 0, 0, 0]);
  const keepalive = message(4, []);

  test("received and sent are told apart; what others say to others passes through and does not count", () => {
    const traffic = new BgpTraffic(own);
    traffic.packet(packet({ ...received, seq: 1, payload: [...keepalive, ...update, ...update] }));
    traffic.packet(packet({ ...sent, seq: 7, payload: update }));
    traffic.packet(packet({ from: them, to: [10, 9, 0, 3], type: 0, seq: 1, payload: update }));
    traffic.packet(packet({ from: them, to: [10, 9, 0, 3], type: 4, seq: 1, payload: update }));
    expect(traffic.updates).toEqual({ received: 2, sent: 1 });
  });

  test("however the stream is cut, whatever comes twice, late, or was going on before", () => {
    const type = fc.constantFrom(1, 2, 3, 4, 5);
    const one = fc.tuple(type, fc.array(fc.nat(255), { maxLength: 40 }));
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.array(fc.nat(63), { maxLength: 12 }),
        fc.integer({ min: 0, max: 18 }),
        (messages, cuts, firstSeq, swaps, before) => {
          const stream = [
            ...Array<number>(before).fill(7),
            ...messages.flatMap(([each, body]) => message(each, body)),
          ];
          const segments: Uint8Array[] = [];
          for (let at = 0, n = 0; at < stream.length; n++) {
            const payload = stream.slice(at, at + cuts[n % cuts.length]!);
            const seq = (firstSeq + at) >>> 0;
            segments.push(packet({ ...received, seq, payload }));
            at += payload.length;
          }
          // The first says where it begins: another may come before it only where a SYN did.
          const isWhole = before === 0;
          const all = segments.flatMap((each, n) => (swaps.includes(n) ? [each, each] : [each]));
          if (isWhole) {
            for (const n of swaps) {
              const [i, j] = [n % all.length, (n * 7 + 3) % all.length];
              [all[i], all[j]] = [all[j]!, all[i]!];
            }
            all.unshift(
              packet({ ...received, seq: (firstSeq - 1) >>> 0, payload: [], isSyn: true }),
            );
          }
          const traffic = new BgpTraffic(own);
          for (const each of all) traffic.packet(each);
          const updates = messages.filter(([each]) => each === 2).length;
          expect(traffic.updates).toEqual({ received: updates, sent: 0 });
        },
      ),
    );
  });

  test("a segment that was not captured costs its own messages", () => {
    const traffic = new BgpTraffic(own);
    traffic.packet(packet({ ...received, seq: 0, payload: update }));
    for (let n = 2; n < 102; n++) {
      traffic.packet(packet({ ...received, seq: n * update.length, payload: update }));
    }
    expect(traffic.updates).toEqual({ received: 101, sent: 0 });
  });
});

test("a capture is cut into packets, however it comes", () => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4);
  header.writeUInt32LE(113, 20);
  const record = (bytes: number[]) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(bytes.length, 8);
    return Buffer.concat([head, Buffer.from(bytes)]);
  };
  const file = Buffer.concat([header, record([1, 2, 3]), record([]), record([4])]);
  for (let cut = 1; cut <= file.length; cut++) {
    const reader = new PcapReader();
    const packets: number[][] = [];
    for (let at = 0; at < file.length; at += cut) {
      packets.push(...reader.push(file.subarray(at, at + cut)).map((each) => [...each]));
    }
    expect([reader.linkType, packets]).toEqual([113, [[1, 2, 3], [], [4]]]);
  }
  expect(() => new PcapReader().push(Buffer.alloc(24))).toThrow(/no pcap/);
});
