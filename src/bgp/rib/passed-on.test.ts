import * as fc from "fast-check";
import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { encodeAttributes } from "../wire/encode-update.ts";
import { arbitraryAttributes } from "../wire/message.testkit.ts";
import type { PathAttributes } from "../wire/message.ts";
import { AttributePool } from "./attribute-pool.ts";
import { Exporter, type ExportTarget } from "./export.ts";
import { Policy } from "./policy.ts";
import { externalTarget, learned, p, sequence } from "./rib.testkit.ts";

const asn = 4_200_000_000;
const canonical = { fourOctetAs: true, extendedMessage: true };
const target: ExportTarget = {
  ...externalTarget,
  prependAsns: [asn],
  nextHopFamilies: ["ipv4", "ipv6"],
};

/** What an external peer gets of a route: made of its bytes, where that is enough, and made of its values. */
function bothWays(attributes: PathAttributes, of: { nextHop: string; localAddress: string }) {
  const pool = new AttributePool();
  const to = { ...target, localAddress: address(of.localAddress) };
  const policy = new Policy([{ name: "all", action: "accept" }]);
  const exporter = new Exporter(to, policy, pool);
  const valued = learned("from", { ...attributes, nextHop: of.nextHop });
  const interned = { ...valued, set: pool.intern(attributes, address(of.nextHop)) };
  const [byBytes, byValues] = [interned, valued].map((path) => {
    const exported = exporter.export(p("10.9.0.0/16"), path);
    return "set" in exported ? exported.set : exported.withheld;
  });
  return { pool, interned, byBytes, byValues };
}

it("is the very set that the values make", () => {
  const ends = fc.constantFrom("10.0.0.1", "fd00::1");
  fc.assert(
    fc.property(arbitraryAttributes, ends, ends, (attributes, nextHop, localAddress) => {
      const { byBytes, byValues } = bothWays(attributes, { nextHop, localAddress });
      expect(byBytes).toBe(byValues);
    }),
    { numRuns: 2000 },
  );
});

const plain: PathAttributes = {
  origin: "egp",
  asPath: sequence(65001, 65002),
  med: 7,
  aggregator: { asn: 65002, address: address("1.1.1.1") },
  communities: [0xfde80001],
  partial: [8],
  largeCommunities: [[1, 2, 3]],
};
const ipv4 = { nextHop: "10.0.0.2", localAddress: "10.0.0.1" };
const ipv6 = { nextHop: "fd00::2", localAddress: "fd00::1" };
const longest = sequence(...Array.from({ length: 63 }, () => 65001));

it.each([
  ["a route like most", plain, ipv4, true],
  ["one with an IPv6 next hop", plain, ipv6, true],
  ["one that gets a next hop of the other family", plain, { ...ipv6, nextHop: "10.0.0.2" }, false],
  ["an empty AS path", { ...plain, asPath: [] }, ipv4, false],
  [
    "a path that begins with a set",
    { ...plain, asPath: [{ kind: "set", asns: [5] }] },
    ipv4,
    false,
  ],
  [
    "confederation segments behind others",
    { ...plain, asPath: [...sequence(65001), { kind: "confedSequence", asns: [65501] }] },
    ipv4,
    false,
  ],
  ["a path that would be written in the long form", { ...plain, asPath: longest }, ipv4, false],
  [
    "an unknown attribute",
    { ...plain, unknown: [{ flags: 0xc0, code: 99, value: new Uint8Array() }] },
    ipv4,
    false,
  ],
] as const)("%s: by its bytes alone, or not", (_, attributes, ends, isEnough) => {
  const { pool, interned, byBytes, byValues } = bothWays(attributes as PathAttributes, ends);
  expect(byBytes).toBe(byValues);
  const made = pool.internPassedOn(interned.set, asn, address(ends.localAddress));
  expect(made !== undefined).toBe(isEnough);
  if (made === undefined) return;
  const { med: _med, ...others } = plain;
  const wanted = { ...others, asPath: sequence(asn, 65001, 65002) };
  const nextHop = ends === ipv4 ? made.nextHop : undefined;
  expect(made.nextHop).toBe(ends.localAddress);
  expect([...made.encoded(canonical)]).toEqual([...encodeAttributes(wanted, canonical, nextHop)]);
});
