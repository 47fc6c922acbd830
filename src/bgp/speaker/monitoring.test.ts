import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { decodeMessage } from "../wire/decode.ts";
import { decodeBmp } from "../wire/decode-bmp.ts";
import type { Message } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import type { BmpConfig, PeerConfig } from "./config.ts";
import { configA, configB, type TestNode, twoSpeakers } from "./two-speakers.testkit.ts";

const codec = { fourOctetAs: true, extendedMessage: true };
const names = ["routes", "statistics", "down", "up", "initiation", "termination"];

/** A station's reading of what it hears, by RFC 7854 §4 and not by the encoder. */
function heard(messages: readonly Uint8Array[]) {
  return messages.map((bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    expect([view.getUint8(0), view.getUint32(1)]).toEqual([3, bytes.length]);
    const kind = names[view.getUint8(5)]!;
    if (kind === "initiation" || kind === "termination") return { kind };
    const peer = `${bytes.slice(6 + 22, 6 + 26).join(".")} AS${view.getUint32(6 + 26)}`;
    const body = bytes.slice(48);
    const messagesIn = (from: number): Message[] => {
      const all: Message[] = [];
      for (let at = from; at < body.length;) {
        const length = body[at + 16]! * 256 + body[at + 17]!;
        all.push(decodeMessage(body.slice(at, at + length), codec).message);
        at += length;
      }
      return all;
    };
    if (kind === "routes") return { kind, peer, messages: messagesIn(0) };
    if (kind === "up") return { kind, peer, messages: messagesIn(20) };
    if (kind === "down") return { kind, peer, reason: body[0], messages: messagesIn(1) };
    return { kind, peer, gauges: [view.getUint32(48 + 12), view.getUint32(48 + 24)] };
  });
}

/** The Route Monitoring messages, by the peer header's type and flags (RFC 7854 §4.2, RFC 9069 §4). */
function told(messages: readonly Uint8Array[]): string[] {
  return messages
    .filter((bytes) => bytes[5] === 0)
    .map((bytes) => {
      const rib = bytes[6] === 3 ? "loc-rib" : (bytes[7]! & 0x40) !== 0 ? "after" : "before";
      const { message } = decodeMessage(bytes.slice(48), { ...codec, anyNextHop: true });
      if (message.type !== "UPDATE") throw new Error(message.type);
      const localPref = message.attributes?.localPref;
      return [
        rib,
        ...message.announced.flatMap(({ prefixes }) => prefixes.map((to) => `+${to}`)),
        ...message.withdrawn.flatMap(({ prefixes }) => prefixes.map((to) => `-${to}`)),
        ...(message.endOfRib === undefined ? [] : ["end"]),
        ...(localPref === undefined ? [] : [`localPref ${localPref}`]),
      ].join(" ");
    });
}

const bmp: BmpConfig = { stations: [], ribs: ["pre-policy"] };

const watched = (node: TestNode) => heard(node.bmp);

describe("BMP (RFC 7854)", () => {
  it("a station hears of sessions, and of routes as they were received", () => {
    const importPolicy = [{ name: "all", action: "accept" as const, set: { localPref: 500 } }];
    const { net, a, b } = twoSpeakers(
      { originate: ["10.1.0.0/16"] },
      { bmp: { ...bmp, statisticsIntervalSeconds: 30 }, peer: { importPolicy } },
    );
    net.settle();
    expect(watched(b)).toMatchObject([
      {
        kind: "up",
        peer: "10.0.0.1 AS65001",
        messages: [
          { type: "OPEN", asn: 65002 },
          { type: "OPEN", asn: 65001, bgpIdentifier: "1.1.1.1" },
        ],
      },
      { kind: "routes", messages: [{ announced: [{ prefixes: ["10.1.0.0/16"] }] }] },
      { kind: "routes", messages: [{ endOfRib: ipv4Unicast }] },
    ]);
    const [, routes] = watched(b);
    expect(routes!.messages![0]).not.toHaveProperty("attributes.localPref");
    expect(a.bmp).toEqual([]);

    b.bmp.length = 0;
    net.run(30_000);
    expect(watched(b)).toEqual([{ kind: "statistics", peer: "10.0.0.1 AS65001", gauges: [1, 1] }]);

    b.bmp.length = 0;
    net.configure(a, configA({ originate: [] }));
    net.run(10);
    expect(watched(b)).toMatchObject([
      { messages: [{ withdrawn: [{ prefixes: ["10.1.0.0/16"] }] }] },
    ]);

    b.bmp.length = 0;
    net.configure(a, configA({ peer: { shutdown: {} } }));
    net.run(10);
    expect(watched(b)).toMatchObject([
      { kind: "down", reason: 3, messages: [{ type: "NOTIFICATION", code: 6, subcode: 2 }] },
    ]);
  });

  it.each([
    ["the peer dies", 4, "crash"],
    ["we stop", 1, "stop"],
  ] as const)("%s: Peer Down with reason %i", (_, reason, how) => {
    const { net, a, b } = twoSpeakers({}, { bmp });
    net.settle();
    b.bmp.length = 0;
    if (how === "crash") net.crash(a);
    else net.perform(b, b.speaker.stop("cease", net.nowMs));
    net.run(10);
    expect(watched(b)[0]).toMatchObject({ kind: "down", reason });
    expect(watched(b).at(-1)!.kind).toBe(how === "stop" ? "termination" : "down");
  });

  it("we go to restart, in silence: Peer Down has the event that ended the session (RFC 7854 §4.9)", () => {
    const peer = { gracefulRestart: { restartTimeSeconds: 60 } };
    const { net, b } = twoSpeakers({ peer }, { bmp, peer });
    net.settle();
    net.perform(b, b.speaker.stop("graceful", net.nowMs));
    const down = b.bmp.map(decodeBmp).find(({ type }) => type === "peerDown");
    // ManualStop (RFC 4271 §8.1.2).
    expect(down).toMatchObject({ down: { reason: "localNoNotification", fsmEvent: 2 } });
  });

  it("one that connects late gets what is there", () => {
    const { net, b } = twoSpeakers({ originate: ["10.1.0.0/16", "10.2.0.0/16"] }, { bmp });
    net.settle();
    expect(heard(b.speaker.bmpBegin(net.nowMs))).toMatchObject([
      { kind: "initiation" },
      { kind: "up", peer: "10.0.0.1 AS65001" },
      { kind: "routes", messages: [{ announced: [{ prefixes: ["10.1.0.0/16", "10.2.0.0/16"] }] }] },
      { kind: "routes", messages: [{ endOfRib: ipv4Unicast }] },
    ]);
  });

  it("after policy: what the import policy made of the routes, anew where it changes", () => {
    const statement = { name: "all", action: "accept" as const, set: { localPref: 500 } };
    const both: BmpConfig = { stations: [], ribs: ["pre-policy", "post-policy"] };
    const of = (importPolicy: PeerConfig["importPolicy"]) => ({
      bmp: both,
      peer: { importPolicy },
    });
    const rejecting = [{ ...statement, prefixes: [prefix("10.1.0.0/16")] }];
    const { net, b } = twoSpeakers({ originate: ["10.1.0.0/16", "10.2.0.0/16"] }, of(rejecting));
    net.settle();
    const routes = () => told(b.bmp);
    expect(routes()).toEqual([
      "before +10.1.0.0/16 +10.2.0.0/16",
      "after +10.1.0.0/16 localPref 500",
      "after -10.2.0.0/16",
      "before end",
      "after end",
    ]);
    b.bmp.length = 0;
    net.configure(b, configB(of([{ ...statement, prefixes: [prefix("10.2.0.0/16")] }])));
    expect(routes().toSorted()).toEqual([
      "after +10.2.0.0/16 localPref 500",
      "after -10.1.0.0/16",
      "after end",
    ]);
    expect(told(b.speaker.bmpBegin(net.nowMs)).filter((one) => one.startsWith("after"))).toEqual([
      "after -10.1.0.0/16",
      "after +10.2.0.0/16 localPref 500",
      "after end",
    ]);
  });

  it("the loc-rib as a peer of its own (RFC 9069): what is used, own routes among it", () => {
    const { net, a, b } = twoSpeakers(
      { originate: ["10.1.0.0/16"] },
      { originate: ["10.3.0.0/16"], bmp: { stations: [], ribs: ["loc-rib"] } },
    );
    net.settle();
    expect(told(b.bmp)).toContain("loc-rib +10.1.0.0/16");
    const begin = b.speaker.bmpBegin(net.nowMs);
    const all = ["loc-rib +10.3.0.0/16", "loc-rib +10.1.0.0/16", "loc-rib end", "loc-rib end"];
    expect(told(begin)).toEqual(all);
    const ownAttributes = begin.find((bytes) => bytes[5] === 0)!.slice(48 + 19 + 2 + 2);
    expect(Buffer.from(ownAttributes).toString("hex")).toBe("4001010040020040030400000000100a03");
    const up = begin.find((bytes) => bytes[5] === 3 && bytes[6] === 3)!;
    // RFC 9069 §5.3: the table's name.
    expect(new TextDecoder().decode(up.slice(-6))).toBe("global");
    b.bmp.length = 0;
    net.configure(a, configA({ originate: [] }));
    net.run(10);
    expect(told(b.bmp)).toEqual(["loc-rib -10.1.0.0/16"]);
  });

  it("without `bmp` nothing is written", () => {
    const { net, b } = twoSpeakers({ originate: ["10.1.0.0/16"] }, {});
    net.settle();
    expect(b.bmp).toEqual([]);
  });
});

describe("MRT dump (RFC 6396)", () => {
  it("has a record for the peers and one for each prefix, used or not", () => {
    const { net, b } = twoSpeakers(
      { originate: ["10.1.0.0/16", "10.2.0.0/16"] },
      { peer: { importPolicy: "reject" } },
    );
    net.configure(b, configB({ originate: ["10.2.0.0/16"], peer: { importPolicy: "reject" } }));
    net.settle();
    const records = [...b.speaker.mrtDump(1_700_000_000)];
    const view = (of: Uint8Array) => new DataView(of.buffer, of.byteOffset);
    const subtypes = records.map((of) => view(of).getUint16(6));
    expect(subtypes).toEqual([1, 2, 2]);
    for (const of of records) {
      expect([view(of).getUint32(0), view(of).getUint16(4)]).toEqual([1_700_000_000, 13]);
      expect(view(of).getUint32(8)).toBe(of.length - 12);
    }
    // Peer count: this speaker and a.
    expect(view(records[0]!).getUint16(12 + 6)).toBe(2);
    // Of 10.2.0.0/16 the own route and a's, then 10.1.0.0/16.
    const entries = records
      .slice(1)
      .map((of) => [
        `${of[12 + 5]}.${of[12 + 6]}/${of[12 + 4]}`,
        view(of).getUint16(12 + 7),
        view(of).getUint16(12 + 9),
      ]);
    expect(entries).toEqual([
      ["10.2/16", 2, 0],
      ["10.1/16", 1, 1],
    ]);
    expect(b.speaker.explain(prefix("10.1.0.0/16")).best).toBeUndefined();
    expect(b.address).toBe(address("10.0.0.2"));
  });

  it("says when each route came", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16"] }, { originate: [] });
    net.settle();
    net.run(60_000);
    net.configure(a, configA({ originate: ["10.1.0.0/16", "10.2.0.0/16"] }));
    net.run(10);
    // Announced again, nothing new.
    net.inject(b, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 });
    net.run(10_000);
    const [, first, second] = [...b.speaker.mrtDump(4_000_000_000)];
    const cameAt = (of: Uint8Array) =>
      new DataView(of.buffer, of.byteOffset).getUint32(12 + 4 + 3 + 2 + 2);
    expect(cameAt(second!) - cameAt(first!)).toBeGreaterThanOrEqual(59);
    expect(cameAt(second!) - cameAt(first!)).toBeLessThanOrEqual(61);
  });
});
