// Everything that the encoder writes, read by somebody else: Wireshark's dissector finds nothing
// malformed, and in every field the value that was meant.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import { encodeShutdownCommunication } from "../../src/bgp/wire/cease.ts";
import { encodeMessage } from "../../src/bgp/wire/encode.ts";
import { arbitraryMessage } from "../../src/bgp/wire/message.testkit.ts";
import type {
  AfiSafi,
  CodecOptions,
  Message,
  NotificationMessage,
  OpenMessage,
  UpdateMessage,
} from "../../src/bgp/wire/message.ts";
import {
  Afi,
  AsPathSegmentType,
  AttributeCode,
  CapabilityCode,
  CeaseSubcode,
  ipv4Unicast,
  ipv6Unicast,
  messageTypeNumber,
  NotificationCode,
} from "../../src/bgp/wire/registry.ts";

const folder = mkdtempSync(path.join(tmpdir(), "spinelab-tshark-"));
afterAll(() => rmSync(folder, { recursive: true }));

const samples = 1500;
const capabilityField = "bgp.cap.type";
const attributeField = "bgp.update.path_attribute.type_code";
const words = "planned work";

/** Values of a field in the order of the message, as tshark prints them. */
type Fields = Record<string, string[]>;

it.each([
  ["four", { fourOctetAs: true, extendedMessage: true }],
  ["two", { fourOctetAs: false, extendedMessage: true }],
] as const)("tshark reads what was meant, AS numbers of %s octets", (octets, codec) => {
  const seed = Number(process.env["TSHARK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const plain = arbitraryMessage
    .filter((message) => !looksNumbered(message) && !isExtendedOpen(message))
    .map(renumbered);
  const messages = fc.sample(plain, { numRuns: samples, seed });
  const frames = messages.map((message) => encodeMessage(message, codec)[0]!);
  const file = path.join(folder, `${octets}.pcap`);
  writeFileSync(file, pcap(frames));
  const names = new Set<string>([
    "_ws.malformed",
    "bgp.nlri_path_id",
    capabilityField,
    attributeField,
  ]);
  const wanted = messages.map((message) => fieldsOf(message, codec));
  for (const fields of wanted) for (const name of Object.keys(fields)) names.add(name);
  const read = dissected(file, [...names], octets);
  expect(read).toHaveLength(frames.length);
  let guessed = 0;
  for (const [i, fields] of wanted.entries()) {
    const what = `TSHARK_SEED=${seed}, message ${i}: ${Buffer.from(frames[i]!).toString("hex")}`;
    // Now and then it guesses wrongly all the same.
    const isGuess = read[i]!["bgp.nlri_path_id"]!.length > 0;
    if (isGuess) guessed++;
    const of = Object.keys(fields).filter((name) => !isGuess || !name.endsWith("prefix"));
    const pick = (from: Fields) => Object.fromEntries(of.map((name) => [name, from[name]]));
    const malformed = read[i]!["_ws.malformed"];
    expect({ what, malformed, ...pick(read[i]!) }).toEqual({
      what,
      malformed: [],
      ...pick(fields),
    });
  }
  expect(guessed).toBeLessThan(samples / 20);
  const seen = (field: string) => new Set(read.flatMap((fields) => fields[field]!.map(Number)));
  expect([...seen(capabilityField)]).toEqual(expect.arrayContaining(Object.values(CapabilityCode)));
  const { as4Path, as4Aggregator, ...all } = AttributeCode;
  const codes = [...Object.values(all), ...(octets === "two" ? [as4Path, as4Aggregator] : [])];
  expect([...seen(attributeField)]).toEqual(expect.arrayContaining(codes));
});

it("tshark finds both next hops of a shared link (RFC 2545), and Path Identifiers (RFC 7911)", () => {
  const announced = (family: AfiSafi, nextHop: string, ...prefixes: string[]): UpdateMessage => ({
    type: "UPDATE",
    withdrawn: [],
    attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
    announced: [
      {
        family,
        nextHop: address(nextHop),
        prefixes: prefixes.map((one) => prefix(one)),
        ...(prefixes.length > 1 && { pathIds: prefixes.map((_, i) => i + 1) }),
      },
    ],
  });
  const sharedLink = { address: address("fd00::1"), linkLocal: address("fe80::1") };
  const plain = { fourOctetAs: true, extendedMessage: false };
  const twice = ["10.1.0.0/16", "10.1.0.0/16"];
  const frames = [
    ...encodeMessage(announced(ipv6Unicast, "fd00::1", "fd01::/48"), { ...plain, sharedLink }),
    ...encodeMessage(announced(ipv4Unicast, "10.0.0.1", ...twice), {
      ...plain,
      pathIdsOut: [ipv4Unicast],
    }),
  ];
  const file = path.join(folder, "extensions.pcap");
  writeFileSync(file, pcap(frames));
  const nextHop = "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6";
  const names = [nextHop, `${nextHop}.link_local`, "bgp.nlri_path_id", "bgp.nlri_prefix"];
  expect(dissected(file, ["_ws.malformed", ...names], "four")).toMatchObject([
    { "_ws.malformed": [], [nextHop]: ["fd00::1"], [`${nextHop}.link_local`]: ["fe80::1"] },
    {
      "_ws.malformed": [],
      "bgp.nlri_path_id": ["1", "2"],
      "bgp.nlri_prefix": ["10.1.0.0", "10.1.0.0"],
    },
  ]);
});

/**
 * Whether prefixes have Path Identifiers (RFC 7911) tshark guesses from the bytes, and the octets of very
 * short prefixes look like some; by itself such a prefix cannot be mistaken.
 */
function looksNumbered(message: Message): boolean {
  if (message.type !== "UPDATE") return false;
  return [...message.announced, ...message.withdrawn].some(
    ({ prefixes }) =>
      prefixes.length > 1 && prefixes.some((one) => Number(one.slice(one.indexOf("/") + 1)) < 12),
  );
}

/** Where the data of a NOTIFICATION has a form, tshark reads it: words, or a capability. */
function dataOf({ code, data }: NotificationMessage): Uint8Array {
  if (code === NotificationCode.cease) return encodeShutdownCommunication(words);
  return code === NotificationCode.openMessage ? Uint8Array.of() : data;
}

/** tshark 4.0 does not know RFC 9072, parameters of more than 255 octets. */
function isExtendedOpen(message: Message): boolean {
  if (message.type !== "OPEN") return false;
  const [frame] = encodeMessage(message, { fourOctetAs: true, extendedMessage: false });
  return frame![28] === 255;
}

/** What we do not know tshark may: those numbers are moved to where the registries have nothing. */
function renumbered(message: Message): Message {
  if (message.type === "OPEN") {
    const capabilities = message.capabilities.map((one) =>
      one.capability === "unknown" ? { ...one, code: 200 + (one.code % 30) } : one,
    );
    return { ...message, capabilities };
  }
  if (message.type === "NOTIFICATION") return { ...message, data: dataOf(message) };
  if (message.type !== "UPDATE" || message.attributes?.unknown === undefined) return message;
  const unknown = message.attributes.unknown.map((one, i) => ({ ...one, code: 200 + i }));
  return { ...message, attributes: { ...message.attributes, unknown } };
}

function dissected(file: string, names: string[], octets: string): Fields[] {
  const output = execFileSync(
    "tshark",
    [
      ...["-n", "-r", file, "-o", `bgp.asn_len:${octets === "four" ? "4" : "2"} octet`],
      ...["-T", "fields", "-E", "occurrence=a", "-E", "separator=/t", "-E", "aggregator=|"],
      ...names.flatMap((name) => ["-e", name]),
    ],
    // It says on stderr that it runs as root.
    { encoding: "utf8", maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "ignore"] },
  );
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const columns = line.split("\t");
      return Object.fromEntries(
        names.map((name, i) => [name, columns[i] === "" ? [] : columns[i]!.split("|")]),
      );
    });
}

/** What tshark must find, of the fields that it has. */
function fieldsOf(message: Message, codec: CodecOptions): Fields {
  const type = [String(messageTypeNumber[message.type])];
  switch (message.type) {
    case "OPEN":
      return { "bgp.type": type, ...openFields(message) };
    case "UPDATE":
      return { "bgp.type": type, ...updateFields(message, codec) };
    case "NOTIFICATION":
      return {
        "bgp.type": type,
        "bgp.notify.major_error": [String(message.code)],
        ...(message.code === NotificationCode.cease &&
          (message.subcode === CeaseSubcode.administrativeShutdown ||
            message.subcode === CeaseSubcode.administrativeReset) && {
            "bgp.notify.communication": [words],
          }),
      };
    case "KEEPALIVE":
      return { "bgp.type": type, "bgp.length": ["19"] };
    case "ROUTE-REFRESH":
      return {
        "bgp.type": type,
        "bgp.route_refresh.afi": [String(Afi[message.family!.afi])],
        "bgp.route_refresh.subtype": [String(message.subtype)],
        "bgp.route_refresh.safi": ["1"],
      };
  }
}

function openFields({
  version,
  asn,
  holdTimeSeconds,
  bgpIdentifier,
  capabilities,
}: OpenMessage): Fields {
  const of = <K extends (typeof capabilities)[number]["capability"]>(name: K) =>
    capabilities.filter(
      (one): one is Extract<(typeof capabilities)[number], { capability: K }> =>
        one.capability === name,
    );
  const afis = (families: { family: { afi: "ipv4" | "ipv6" } }[]) =>
    families.map(({ family }) => String(Afi[family.afi]));
  return {
    "bgp.open.version": [String(version)],
    "bgp.open.myas": [String(asn > 0xffff ? 23456 : asn)],
    "bgp.open.holdtime": [String(holdTimeSeconds)],
    "bgp.open.identifier": [bgpIdentifier],
    "bgp.cap.type": capabilities.map((one) =>
      String(one.capability === "unknown" ? one.code : CapabilityCode[one.capability]),
    ),
    "bgp.cap.4as": of("fourOctetAs").map((one) => String(one.asn)),
    "bgp.cap.mp.afi": afis(of("multiprotocol")),
    "bgp.cap.enh.afi": afis(of("extendedNextHop").flatMap(({ entries }) => entries)),
    "bgp.cap.enh.nhafi": of("extendedNextHop").flatMap(({ entries }) =>
      entries.map(({ nextHopAfi }) => String(Afi[nextHopAfi])),
    ),
    "bgp.cap.ap.sendreceive": of("addPath").flatMap(({ entries }) =>
      entries.map(({ send, receive }) => String((receive ? 1 : 0) + (send ? 2 : 0))),
    ),
    "bgp.cap.gr.timers.restart_time": of("gracefulRestart").map((one) =>
      String(one.restartTimeSeconds),
    ),
    "bgp.cap.gr.timers.restart_flag": of("gracefulRestart").map((one) => flag(one.restarting)),
    "bgp.cap.gr.timers.notification_flag": of("gracefulRestart").map((one) =>
      flag(one.notification),
    ),
    "bgp.cap.gr.flag.pfs": of("gracefulRestart").flatMap(({ families }) =>
      families.map((one) => flag(one.forwardingPreserved)),
    ),
  };
}

function updateFields(message: UpdateMessage, { fourOctetAs }: CodecOptions): Fields {
  const { withdrawn, announced, attributes } = message;
  const fields: Fields = {
    ...prefixFields(
      "bgp.withdrawn_prefix",
      withdrawn.filter(({ family }) => family.afi === "ipv4"),
    ),
    ...prefixFields(
      "bgp.mp_unreach_nlri_ipv6_prefix",
      withdrawn.filter(({ family }) => family.afi === "ipv6"),
    ),
  };
  if (attributes === undefined) return fields;
  const isMultiprotocol = (one: (typeof announced)[number]) => one.nextHop.includes(":");
  Object.assign(
    fields,
    prefixFields(
      "bgp.mp_reach_nlri_ipv6_prefix",
      announced.filter(({ family }) => family.afi === "ipv6"),
    ),
    prefixFields(
      "bgp.nlri_prefix",
      announced.filter((one) => !isMultiprotocol(one)),
    ),
    prefixFields(
      "bgp.mp_reach_nlri_ipv4_prefix",
      announced.filter((one) => isMultiprotocol(one) && one.family.afi === "ipv4"),
    ),
  );
  const as = (asn: number) => (fourOctetAs ? asn : asn > 0xffff ? 23456 : asn);
  const {
    origin,
    asPath,
    med,
    localPref,
    communities = [],
    largeCommunities = [],
    clusterList = [],
    originatorId,
    aggregator,
  } = attributes;
  const one = (value: unknown) => (value === undefined ? [] : [String(value)]);
  Object.assign(fields, {
    "bgp.update.path_attribute.origin": [String(["igp", "egp", "incomplete"].indexOf(origin))],
    "bgp.update.path_attribute.multi_exit_disc": one(med),
    "bgp.update.path_attribute.local_pref": one(localPref),
    "bgp.update.path_attribute.originator_id": one(originatorId),
    "bgp.path_attribute.cluster_id": clusterList,
    "bgp.update.path_attribute.community_as": communities
      .filter((value) => !isWellKnown(value))
      .map((value) => String(value >>> 16)),
    "bgp.update.path_attribute.community_value": communities
      .filter((value) => !isWellKnown(value))
      .map((value) => String(value & 0xffff)),
    "bgp.large_communities.ga": largeCommunities.map(([ga]) => String(ga)),
    "bgp.large_communities.ldp1": largeCommunities.map(([, ldp1]) => String(ldp1)),
    "bgp.large_communities.ldp2": largeCommunities.map(([, , ldp2]) => String(ldp2)),
    "bgp.update.path_attribute.next_hop": announced
      .filter((item) => !isMultiprotocol(item))
      .map(({ nextHop }) => nextHop),
    "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6": announced
      .filter(isMultiprotocol)
      .map(({ nextHop }) => nextHop),
  } satisfies Fields);
  if (fourOctetAs) {
    Object.assign(fields, {
      "bgp.update.path_attribute.as_path_segment.type": asPath.map(({ kind }) =>
        String(AsPathSegmentType[kind]),
      ),
      "bgp.update.path_attribute.as_path_segment.as4": asPath.flatMap(({ asns }) =>
        asns.map(String),
      ),
      "bgp.update.path_attribute.aggregator_as": one(aggregator?.asn),
      "bgp.update.path_attribute.aggregator_origin": one(aggregator?.address),
    } satisfies Fields);
  } else {
    // AS4_PATH has the same AS numbers again, in the field of four octets.
    fields["bgp.update.path_attribute.as_path_segment.as2"] = asPath.flatMap(({ asns }) =>
      asns.map((asn) => String(as(asn))),
    );
  }
  return fields;
}

/** tshark shows these by their name. */
function isWellKnown(community: number): boolean {
  return community >>> 16 === 0xffff || community >>> 16 === 0;
}

function prefixFields(name: string, items: readonly { prefixes: readonly string[] }[]): Fields {
  const prefixes = items.flatMap((item) => item.prefixes);
  return { [name]: prefixes.map((one) => one.slice(0, one.indexOf("/"))) };
}

function flag(isSet: boolean): string {
  return isSet ? "1" : "0";
}

/** Each frame in a TCP segment of a connection of its own: libpcap's format, packets from the IP header on. */
function pcap(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(101 /* LINKTYPE_RAW */, 20);
  return Buffer.concat([header, ...frames.flatMap((frame, i) => packet(frame, i))]);
}

function packet(frame: Uint8Array, index: number): Buffer[] {
  const length = 40 + frame.length;
  const head = Buffer.alloc(16 + 40);
  head.writeUInt32LE(index, 0);
  head.writeUInt32LE(length, 8);
  head.writeUInt32LE(length, 12);
  const ip = head.subarray(16);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(6 /* TCP */, 9);
  ip.set([10, 0, 0, 1, 10, 0, 0, 2], 12);
  const tcp = ip.subarray(20);
  tcp.writeUInt16BE(10_000 + index, 0);
  tcp.writeUInt16BE(179, 2);
  tcp.writeUInt32BE(1, 4);
  tcp.writeUInt32BE(1, 8);
  tcp.writeUInt16BE(0x5018 /* 20 octets of header, ACK and PSH */, 12);
  tcp.writeUInt16BE(0xffff, 14);
  return [head, Buffer.from(frame)];
}
