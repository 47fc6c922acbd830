import { describe, expect, it } from "vitest";
import { ownPathOf } from "../../bgp/rib/path.ts";
import { Policy } from "../../bgp/rib/policy.ts";
import type { PolicyStatement } from "../../bgp/speaker/config.ts";
import { parsePrefix } from "../../net/prefix.ts";
import type { FrrFamily } from "./config.ts";
import { importPolicyOf, ofFamilies } from "./policies.ts";

const both = ["ipv4", "ipv6"] as const;
const accept: PolicyStatement = { name: "all", action: "accept" };
const marking: PolicyStatement = { name: "MAP 10", action: "accept", set: { med: 7 } };
const path = ownPathOf({ origin: "igp" });

const nameOf = (statements: readonly PolicyStatement[], prefix: string) =>
  new Policy(statements).match(parsePrefix(prefix)!, path)?.name;

describe("the policy of a neighbor with two families", () => {
  it("is that of both where they have the same", () => {
    expect(ofFamilies(both, () => [marking])).toEqual([marking]);
    expect(importPolicyOf(both, () => "accept")).toBe("accept");
    expect(ofFamilies(["ipv6"], () => [marking])).toEqual([marking]);
  });

  it("is for the prefixes of its own family where they differ", () => {
    const policy = ofFamilies(both, (family) => [family === "ipv4" ? marking : accept]);
    expect(nameOf(policy, "0.0.0.0/0")).toBe("MAP 10");
    expect(nameOf(policy, "10.0.0.1/32")).toBe("MAP 10");
    expect(nameOf(policy, "fd00::1/128")).toBe("all");
    expect(nameOf(policy, "::/0")).toBe("all");
  });

  it("keeps what a prefix list names, and drops what only the other family could match", () => {
    const listed: PolicyStatement = {
      ...marking,
      match: { prefixRanges: [{ prefix: parsePrefix("10.0.0.0/8")!, maxLength: 32 }] },
    };
    const policyOf = (of: FrrFamily) =>
      ofFamilies(both, (family) => (family === of ? [listed] : [accept]));
    expect(nameOf(policyOf("ipv4"), "10.1.0.0/16")).toBe("MAP 10");
    expect(nameOf(policyOf("ipv4"), "192.0.2.0/24")).toBeUndefined();
    expect(nameOf(policyOf("ipv6"), "10.1.0.0/16")).toBe("all");
    expect(nameOf(policyOf("ipv6"), "fd00::/64")).toBeUndefined();
  });

  it("takes or refuses all of a family that has none", () => {
    const ofIpv6 = (word: "accept" | "reject") => {
      const policy = importPolicyOf(both, (family) => (family === "ipv4" ? [marking] : word));
      return new Policy(policy as PolicyStatement[]).match(parsePrefix("fd00::/64")!, path)?.action;
    };
    expect(ofIpv6("accept")).toBe("accept");
    expect(ofIpv6("reject")).toBe("reject");
  });
});
