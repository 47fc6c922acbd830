import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { AttributePool } from "./attribute-pool.ts";
import { Exporter, type ExportTarget } from "./export.ts";
import { Policy, type PolicyStatement } from "./policy.ts";
import { ownPath, type Path } from "./path.ts";
import { externalTarget, learned, p, sequence } from "./rib.testkit.ts";

const acceptAll: PolicyStatement[] = [{ name: "all", action: "accept" }];
const local = address("10.0.0.1");

function exported(path: Path, target: Partial<ExportTarget> = {}, statements = acceptAll) {
  const to = { ...externalTarget, ...target };
  return new Exporter(to, new Policy(statements), new AttributePool()).exportTo(
    "to",
    p("10.9.0.0/16"),
    path,
  );
}

function setOf(...of: Parameters<typeof exported>) {
  const result = exported(...of);
  if (!("set" in result)) throw new Error(result.withheld);
  const { attributes, nextHop } = result.set;
  return { attributes, nextHop };
}

it("marks a reflected route as FRR does: a MED of 0 where it has none and was not reflected before", () => {
  const to = { internal: true, client: true, reflectsWithMed: true };
  const medOf = (of: Partial<Parameters<typeof learned>[1]>, target: Partial<ExportTarget> = to) =>
    setOf(learned("from", { asPath: sequence(), internal: true, ...of }), target).attributes.med;
  expect(medOf({})).toBe(0);
  expect(medOf({ med: 7 })).toBe(7);
  expect(medOf({ originatorId: address("1.1.1.1") })).toBeUndefined();
  expect(medOf({ internal: false })).toBeUndefined();
  expect(medOf({}, { ...to, reflectsWithMed: false })).toBeUndefined();
});

it("of a route that was reflected before ORIGINATOR_ID stays, and our cluster comes first (RFC 4456 §8)", () => {
  const to = { internal: true, client: true };
  const of = (more: Partial<Parameters<typeof learned>[1]>) => {
    const from = { identifier: "3.3.3.3", internal: true, ...more };
    const { originatorId, clusterList } = setOf(learned("from", from), to).attributes;
    return [originatorId, clusterList];
  };
  const [first, before] = [address("1.1.1.1"), [address("2.2.2.2"), address("4.4.4.4")]];
  expect(of({})).toEqual(["3.3.3.3", ["9.9.9.9"]]);
  expect(of({ originatorId: first, clusterList: before })).toEqual([first, ["9.9.9.9", ...before]]);
  // What an external peer sent is reflected by nobody.
  expect(of({ internal: false })).toEqual([undefined, undefined]);
});

it("reflects as FRR does: a policy says which routes, and changes none", () => {
  const to = { internal: true, client: true, reflectsUnchanged: true, prependsInternally: true };
  const change = {
    ...{ med: 7, localPref: 200, communities: [9], asPathPrepend: 2 },
    nextHop: "self" as const,
  };
  const changing: PolicyStatement[] = [{ name: "s", action: "accept", set: change }];
  const reflected = learned("from", { asPath: sequence(65009), internal: true });
  expect(setOf(reflected, to, changing)).toEqual(setOf(reflected, to));
  const rejecting: PolicyStatement[] = [{ name: "no", action: "reject" }];
  expect(exported(reflected, to, rejecting)).toEqual({
    withheld: "export statement no rejects it",
    statement: "no",
  });
  const external = learned("from", {});
  expect(setOf(external, to, changing).attributes).toMatchObject({ med: 7, localPref: 200 });
});

it("a link-local next hop ends at its link: an internal peer gets our own (RFC 2545 §3)", () => {
  const target = {
    internal: true,
    nextHopFamilies: ["ipv6"] as const,
    localAddress: address("fd00::1"),
  };
  const nextHopOf = (nextHop: string) =>
    setOf(learned("from", { asPath: sequence(65001), nextHop }), target).nextHop;
  expect(nextHopOf("fe80::2")).toBe("fd00::1");
  expect(nextHopOf("fd00::2")).toBe("fd00::2");
});

describe("export to an external peer", () => {
  it("gives own routes the local AS and the session's address", () => {
    expect(setOf(ownPath)).toEqual({
      attributes: { origin: "igp", asPath: sequence(65000) },
      nextHop: local,
    });
  });

  it("leaves a next hop on the peer's own subnet, unless it is to be ours (RFC 4271 §5.1.3)", () => {
    const nextHopOf = (nextHop: string, of: Partial<ExportTarget> = {}) =>
      setOf(learned("from", { asPath: sequence(65001), nextHop }), {
        sharedSubnets: [p("10.0.0.0/24")],
        ...of,
      }).nextHop;
    expect(nextHopOf("10.0.0.7")).toBe("10.0.0.7");
    expect(nextHopOf("10.0.1.7")).toBe(local);
    expect(nextHopOf("10.0.0.7", { sharedSubnets: [] })).toBe(local);
    expect(nextHopOf("10.0.0.7", { nextHopSelf: true })).toBe(local);
    expect(setOf(ownPath, { sharedSubnets: [p("10.0.0.0/24")] }).nextHop).toBe(local);
  });

  it("takes confederation segments out of the path, which are an error to it (RFC 5065 §5)", () => {
    const asPath: Path["set"]["attributes"]["asPath"] = [
      { kind: "confedSequence", asns: [65501] },
      { kind: "confedSet", asns: [65502] },
      { kind: "sequence", asns: [65001] },
    ];
    const path = learned("from", { internal: true, asPath });
    expect(setOf(path).attributes.asPath).toEqual(sequence(65000, 65001));
    expect(setOf(path, { internal: true, client: true }).attributes.asPath).toEqual(asPath);
  });

  it("leaves the Partial bit where it is set (RFC 4271 §5)", () => {
    const path = learned("from", { internal: true, communities: [5], partial: [8] });
    expect(setOf(path).attributes.partial).toEqual([8]);
  });

  it("prepends, and takes away what stays inside the AS", () => {
    const path = learned("from", {
      internal: true,
      asPath: sequence(65001),
      localPref: 300,
      med: 7,
      originatorId: address("1.1.1.1"),
      clusterList: [address("2.2.2.2")],
      atomicAggregate: true,
      communities: [5],
      extendedCommunities: [
        Uint8Array.of(0x00, 2, 0, 1, 0, 0, 0, 1),
        Uint8Array.of(0x40, 2, 0, 1, 0, 0, 0, 1),
      ],
      unknown: [
        { flags: 0xc0, code: 99, value: Uint8Array.of(1) },
        { flags: 0x80, code: 98, value: Uint8Array.of(2) },
      ],
    });
    expect(setOf(path)).toEqual({
      attributes: {
        origin: "igp",
        asPath: sequence(65000, 65001),
        atomicAggregate: true,
        communities: [5],
        extendedCommunities: [Uint8Array.of(0x00, 2, 0, 1, 0, 0, 0, 1)],
        // Partial, since this speaker did not understand it.
        unknown: [{ flags: 0xe0, code: 99, value: Uint8Array.of(1) }],
      },
      nextHop: local,
    });
  });

  it("sets MED, communities and prepending as the policy says, and no LOCAL_PREF", () => {
    const set = {
      med: 50,
      localPref: 200,
      communities: [9, 5],
      largeCommunities: [[1, 2, 3]] as [number, number, number][],
      asPathPrepend: 2,
    };
    const path = learned("from", { communities: [5, 1] });
    expect(setOf(path, {}, [{ name: "s", action: "accept", set }]).attributes).toEqual({
      origin: "igp",
      asPath: sequence(65000, 65000, 65000, 65001),
      med: 50,
      communities: [1, 5, 9],
      largeCommunities: [[1, 2, 3]],
    });
  });

  it("begins a new segment before an AS_SET and where 255 would be passed", () => {
    const set = learned("from", { asPath: [{ kind: "set", asns: [1, 2] }] });
    expect(setOf(set).attributes.asPath).toEqual([
      { kind: "sequence", asns: [65000] },
      { kind: "set", asns: [1, 2] },
    ]);
    const full = Array<number>(255).fill(1);
    expect(setOf(learned("from", { asPath: sequence(...full) })).attributes.asPath).toEqual([
      { kind: "sequence", asns: [65000] },
      { kind: "sequence", asns: full },
    ]);
  });
});

describe("export to an internal peer", () => {
  const internal = true;

  it("adds LOCAL_PREF 100 and leaves the AS path alone", () => {
    expect(setOf(ownPath, { internal })).toEqual({
      attributes: { origin: "igp", asPath: [], localPref: 100 },
      nextHop: local,
    });
  });

  it("keeps next hop, MED and LOCAL_PREF of a learned route", () => {
    const path = learned("from", { med: 7, nextHop: "10.0.0.77" });
    const set: PolicyStatement["set"] = { asPathPrepend: 3 };
    expect(setOf(path, { internal }, [{ name: "s", action: "accept", set }])).toEqual({
      attributes: { origin: "igp", asPath: sequence(65001), med: 7, localPref: 100 },
      nextHop: address("10.0.0.77"),
    });
  });

  it("prepends what the policy says where FRR's way is asked for, and nothing else", () => {
    const to = { internal, prependsInternally: true };
    const set: PolicyStatement["set"] = { asPathPrepend: 2 };
    const asPathOf = (path: Path, statements?: PolicyStatement[]) =>
      setOf(path, to, statements).attributes.asPath;
    const statements: PolicyStatement[] = [{ name: "s", action: "accept", set }];
    expect(asPathOf(learned("from"), statements)).toEqual(sequence(65000, 65000, 65001));
    expect(asPathOf(ownPath, statements)).toEqual(sequence(65000, 65000));
    expect(asPathOf(ownPath)).toEqual([]);
  });

  it("takes LOCAL_PREF from the policy before the route's", () => {
    const path = learned("from", { localPref: 300 });
    expect(setOf(path, { internal }).attributes.localPref).toBe(300);
    const set: PolicyStatement["set"] = { localPref: 200 };
    const statements: PolicyStatement[] = [{ name: "s", action: "accept", set }];
    expect(setOf(path, { internal }, statements).attributes.localPref).toBe(200);
  });
});

describe("withheld", () => {
  const { noExport, noAdvertise, noExportSubconfed } = WellKnownCommunity;
  const internalRoute = learned("from", { internal: true });
  it.each([
    ["back to where it came from", learned("to"), {}, /from this peer/],
    ["iBGP to iBGP", internalRoute, { internal: true }, /internal peer/],
    ["no-export", learned("from", { communities: [noExport] }), {}, /no-export/],
    ["no-export-subconfed", learned("from", { communities: [noExportSubconfed] }), {}, /subconfed/],
    [
      "no-advertise",
      learned("from", { communities: [noAdvertise] }),
      { internal: true },
      /no-advertise/,
    ],
    ["no next hop of a fitting family", ownPath, { localAddress: address("fd00::1") }, /fd00::1/],
  ])("%s", (_, path, target, reason) => {
    expect(exported(path, target)).toEqual({
      withheld: expect.stringMatching(reason),
      statement: "all",
    });
  });

  it("not: no-export towards an internal peer", () => {
    const path = learned("from", { communities: [noExport] });
    expect(exported(path, { internal: true })).toHaveProperty("set");
  });

  it("not: no-export that only the policy adds, which is the peer's to act on", () => {
    const set = { communities: [noExport] };
    expect(setOf(ownPath, {}, [{ name: "s", action: "accept", set }]).attributes).toMatchObject(
      set,
    );
  });

  it("not: an IPv6 next hop for IPv4 routes where both sides can (RFC 8950)", () => {
    const target = {
      localAddress: address("fd00::1"),
      nextHopFamilies: ["ipv4", "ipv6"] as const,
    };
    expect(setOf(ownPath, target).nextHop).toBe("fd00::1");
  });

  it("by a reject statement, and where none matches", () => {
    expect(exported(ownPath, {}, [{ name: "no", action: "reject" }, ...acceptAll])).toEqual({
      withheld: "export statement no rejects it",
      statement: "no",
    });
    const other: PolicyStatement = { name: "o", prefixes: [p("10.0.0.0/8")], action: "accept" };
    expect(exported(ownPath, {}, [other])).toEqual({ withheld: "no export statement matches" });
    expect(exported(ownPath, {}, [])).toEqual({
      withheld: "there is no export policy (RFC 8212)",
    });
  });
});

describe("Policy", () => {
  it("takes the first match, by exact prefix or by matching all", () => {
    const a: PolicyStatement = { name: "a", prefixes: [p("10.1.0.0/16")], action: "reject" };
    const b: PolicyStatement = {
      name: "b",
      prefixes: [p("10.1.0.0/16"), p("10.2.0.0/16")],
      action: "accept",
    };
    const all: PolicyStatement = { name: "all", action: "accept" };
    const late: PolicyStatement = { name: "late", prefixes: [p("10.3.0.0/16")], action: "reject" };
    const policy = new Policy([a, b, all, late]);
    expect(policy.match(p("10.1.0.0/16"), ownPath)).toBe(a);
    expect(policy.match(p("10.2.0.0/16"), ownPath)).toBe(b);
    expect(policy.match(p("10.2.0.0/24"), ownPath)).toBe(all);
    expect(policy.match(p("10.3.0.0/16"), ownPath)).toBe(all);
    expect(new Policy([a, b]).match(p("10.3.0.0/16"), ownPath)).toBeUndefined();
  });
});

describe("long-lived stale routes (RFC 9494)", () => {
  const { llgrStale, noExport } = WellKnownCommunity;
  const stale = learned("from", { asPath: sequence(65001), communities: [7, llgrStale] });

  it("§4.3: they go to who knows of them, with the mark, whatever the policy does to communities", () => {
    const statements: PolicyStatement[] = [
      { name: "all", action: "accept", set: { replace: { communities: [8] } } },
    ];
    const { attributes } = setOf(stale, { longLived: true }, statements);
    expect(new Set(attributes.communities)).toEqual(new Set([8, llgrStale]));
    expect(exported(stale)).toMatchObject({ withheld: expect.stringContaining("§4.3") as string });
  });

  it("§4.6: to an internal peer that does not, as a last resort that stays in the AS, where that is wanted", () => {
    const to = { internal: true, longLived: "partial" } as const;
    const { attributes } = setOf(stale, to);
    expect(attributes.localPref).toBe(0);
    expect(attributes.communities).toEqual([7, llgrStale, noExport]);
    const fresh = setOf(learned("from", { asPath: sequence(65001), localPref: 200 }), to);
    expect(fresh.attributes).toMatchObject({ localPref: 200 });
    expect(fresh.attributes.communities).toBeUndefined();
  });
});
