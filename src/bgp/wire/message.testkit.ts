// fast-check generators of everything a message can hold: for tests only.
import * as fc from "fast-check";
import { type Address, addressFromBytes, type Family } from "../../net/address.ts";
import { addressBits, type Prefix, prefixOf } from "../../net/prefix.ts";
import type {
  AfiSafi,
  AsPathSegment,
  Capability,
  Message,
  PathAttributes,
  UpdateMessage,
} from "./message.ts";
import { AttributeCode, CapabilityCode, roles } from "./registry.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const asn = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 1, max: 0xffffffff }));
const family = fc.constantFrom<AfiSafi>(
  { afi: "ipv4", safi: "unicast" },
  { afi: "ipv6", safi: "unicast" },
);

function arbitraryAddress(of: Family): fc.Arbitrary<Address> {
  const length = addressBits(of) / 8;
  return fc.uint8Array({ minLength: length, maxLength: length }).map(addressFromBytes);
}

export function arbitraryPrefix(of: Family): fc.Arbitrary<Prefix> {
  const length = fc.integer({ min: 0, max: addressBits(of) });
  return fc.tuple(arbitraryAddress(of), length).map(([base, bits]) => prefixOf(base, bits));
}

/** A next hop that NEXT_HOP may hold. */
const ipv4Host = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.integer({ min: 0, max: 0xffffff }))
  .map(([first, rest]) => addressFromBytes(Uint8Array.of(first, rest >> 16, rest >> 8, rest)));

const ipv6Host = arbitraryAddress("ipv6").filter(
  (address) => address !== "::" && !address.startsWith("ff"),
);

const utf8 = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => {
  const bytes = new TextEncoder().encode(text);
  return bytes.length <= 255 && new TextDecoder().decode(bytes) === text;
});

export const arbitraryCapability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ capability: fc.constant("multiprotocol" as const), family }),
  fc.constant<Capability>({ capability: "routeRefresh" }),
  fc.record({
    capability: fc.constant("extendedNextHop" as const),
    entries: fc.array(
      fc.record({ family, nextHopAfi: fc.constantFrom("ipv4" as const, "ipv6" as const) }),
      {
        maxLength: 40,
      },
    ),
  }),
  fc.constant<Capability>({ capability: "extendedMessage" }),
  fc.record({
    capability: fc.constant("gracefulRestart" as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    restartTimeSeconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(fc.record({ family, forwardingPreserved: fc.boolean() }), { maxLength: 60 }),
  }),
  fc.record({
    capability: fc.constant("role" as const),
    role: fc.constantFrom(...roles),
  }),
  fc.record({
    capability: fc.constant("addPath" as const),
    entries: fc.array(
      fc
        .record({ family, send: fc.boolean(), receive: fc.boolean() })
        .filter(({ send, receive }) => send || receive),
      { maxLength: 60 },
    ),
  }),
  fc.record({
    capability: fc.constant("longLivedGracefulRestart" as const),
    families: fc.array(
      fc.record({
        family,
        forwardingPreserved: fc.boolean(),
        staleTimeSeconds: fc.integer({ min: 0, max: 0xffffff }),
      }),
      { maxLength: 36 },
    ),
  }),
  fc.constant<Capability>({ capability: "enhancedRouteRefresh" }),
  fc.record({ capability: fc.constant("fqdn" as const), hostname: utf8, domain: utf8 }),
  fc.record({ capability: fc.constant("softwareVersion" as const), version: utf8 }),
  fc.record({
    capability: fc.constant("unknown" as const),
    code: fc
      .integer({ min: 0, max: 255 })
      .filter((code) => !(Object.values(CapabilityCode) as number[]).includes(code)),
    value: fc.uint8Array({ maxLength: 255 }),
  }),
);

const open: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constant("OPEN" as const),
    version: fc.constant(4),
    asn,
    holdTimeSeconds: fc.integer({ min: 0, max: 65535 }),
    bgpIdentifier: arbitraryAddress("ipv4"),
    capabilities: fc.array(arbitraryCapability, { maxLength: 8 }),
  })
  .map((message) => {
    const fourOctetAs: Capability = { capability: "fourOctetAs", asn: message.asn };
    return Object.assign(message, { capabilities: [...message.capabilities, fourOctetAs] });
  });

const segment: fc.Arbitrary<AsPathSegment> = fc.record({
  kind: fc.constantFrom(
    "sequence" as const,
    "set" as const,
    "confedSequence" as const,
    "confedSet" as const,
  ),
  asns: fc.array(asn, { minLength: 1, maxLength: 6 }),
});

const unknownAttribute = fc.record({
  flags: fc.constantFrom(0x80, 0xc0, 0xe0),
  code: fc.integer({ min: 100, max: 255 }),
  value: fc.uint8Array({ maxLength: 300 }),
});

const attributesUnmarked: fc.Arbitrary<PathAttributes> = fc.record(
  {
    origin: fc.constantFrom("igp" as const, "egp" as const, "incomplete" as const),
    asPath: fc.array(segment, { maxLength: 4 }),
    med: u32,
    localPref: u32,
    atomicAggregate: fc.constant(true),
    aggregator: fc.record({ asn, address: arbitraryAddress("ipv4") }),
    communities: fc.array(u32, { minLength: 1, maxLength: 70 }),
    originatorId: arbitraryAddress("ipv4"),
    clusterList: fc.array(arbitraryAddress("ipv4"), { minLength: 1, maxLength: 5 }),
    extendedCommunities: fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    }),
    largeCommunities: fc.uniqueArray(fc.tuple(u32, u32, u32), {
      minLength: 1,
      maxLength: 5,
      selector: (parts) => parts.join(":"),
    }),
    onlyToCustomer: u32,
    unknown: fc
      .uniqueArray(unknownAttribute, { minLength: 1, maxLength: 3, selector: ({ code }) => code })
      .map((all) => all.sort((a, b) => a.code - b.code)),
  },
  { requiredKeys: ["origin", "asPath"] },
);

const optionalTransitive = [
  ["aggregator", AttributeCode.aggregator],
  ["communities", AttributeCode.communities],
  ["extendedCommunities", AttributeCode.extendedCommunities],
  ["largeCommunities", AttributeCode.largeCommunities],
  ["onlyToCustomer", AttributeCode.onlyToCustomer],
] as const;

/** Some of those with the Partial bit that may have it. */
export const arbitraryAttributes: fc.Arbitrary<PathAttributes> = fc
  .tuple(attributesUnmarked, fc.subarray([...optionalTransitive]))
  .map(([attributes, marked]) => {
    const there = marked.filter(([name]) => attributes[name] !== undefined);
    return there.length === 0
      ? attributes
      : { ...attributes, partial: there.map(([, code]) => code) };
  });

function prefixes(of: Family): fc.Arbitrary<Prefix[]> {
  return fc.array(arbitraryPrefix(of), { minLength: 1, maxLength: 30 });
}

const announcedItem: fc.Arbitrary<UpdateMessage["announced"][number]> = fc.oneof(
  fc.record({
    family: fc.constant<AfiSafi>({ afi: "ipv4", safi: "unicast" }),
    nextHop: fc.oneof(ipv4Host, ipv6Host),
    prefixes: prefixes("ipv4"),
  }),
  fc.record({
    family: fc.constant<AfiSafi>({ afi: "ipv6", safi: "unicast" }),
    nextHop: ipv6Host,
    prefixes: prefixes("ipv6"),
  }),
);

const withdrawnItem: fc.Arbitrary<UpdateMessage["withdrawn"][number]> = family.chain((of) =>
  fc.record({ family: fc.constant(of), prefixes: prefixes(of.afi) }),
);

/** Announces or withdraws one thing, or is an End-of-RIB: what one message holds. */
export const arbitraryUpdate: fc.Arbitrary<UpdateMessage> = fc.oneof(
  fc
    .tuple(announcedItem, arbitraryAttributes)
    .map(([item, attributes]) => update({ announced: [item], attributes })),
  withdrawnItem.map((item) => update({ withdrawn: [item] })),
  family.map((endOfRib) => update({ endOfRib })),
);

/** The same with a Path Identifier for each prefix (RFC 7911). */
export const arbitraryNumberedUpdate: fc.Arbitrary<UpdateMessage> = fc
  .tuple(arbitraryUpdate, fc.infiniteStream(u32))
  .map(([message, ids]) => {
    const numbered = <T extends { prefixes: Prefix[] }>(of: T) => ({
      ...of,
      pathIds: of.prefixes.map(() => ids.next().value as number),
    });
    return {
      ...message,
      withdrawn: message.withdrawn.map(numbered),
      announced: message.announced.map(numbered),
    };
  });

function update(of: Partial<UpdateMessage>): UpdateMessage {
  return { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], ...of };
}

export const arbitraryMessage: fc.Arbitrary<Message> = fc.oneof(
  open,
  arbitraryUpdate,
  fc.record({
    type: fc.constant("NOTIFICATION" as const),
    code: fc.integer({ min: 0, max: 255 }),
    subcode: fc.integer({ min: 0, max: 255 }),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.constant<Message>({ type: "KEEPALIVE" }),
  fc.record({
    type: fc.constant("ROUTE-REFRESH" as const),
    family,
    subtype: fc.integer({ min: 0, max: 2 }),
  }),
);
