import { describe, expect, it } from "vitest";
import type { Role } from "../wire/message.ts";
import { leakedIn, leaksOut, markedIn, markedOut } from "./role.ts";

const of = (otc?: number) => ({
  origin: "igp" as const,
  asPath: [],
  ...(otc !== undefined && { onlyToCustomer: otc }),
});
const roles: Role[] = ["provider", "rs", "rs-client", "customer", "peer"];
const where = (holds: (own: Role) => boolean) => roles.filter(holds);

// The peer is AS 65001, we are 65000.
describe("ONLY_TO_CUSTOMER (RFC 9234 §5)", () => {
  it("in 1: with OTC from a customer or a client it is a leak", () => {
    expect(where((own) => leakedIn(of(65001), own, 65001) !== undefined)).toEqual([
      "provider",
      "rs",
    ]);
  });

  it("in 2: and from a peer, unless that put it there", () => {
    expect(where((own) => leakedIn(of(65009), own, 65001) !== undefined)).toEqual([
      "provider",
      "rs",
      "peer",
    ]);
    expect(where((own) => leakedIn(of(), own, 65001) !== undefined)).toEqual([]);
  });

  it("in 3: from above and from a peer it is put there, with the peer's AS", () => {
    expect(where((own) => markedIn(of(), own, 65001) === 65001)).toEqual([
      "rs-client",
      "customer",
      "peer",
    ]);
    expect(where((own) => markedIn(of(), own, 65001) === undefined)).toEqual(["provider", "rs"]);
    expect(markedIn(of(65009), "customer", 65001)).toBe(65009);
  });

  it("out 1: downwards and to a peer it is put there, with our AS", () => {
    expect(where((own) => markedOut(of(), own, 65000) === 65000)).toEqual([
      "provider",
      "rs",
      "peer",
    ]);
    expect(markedOut(of(65009), "provider", 65000)).toBe(65009);
    expect(markedOut(of(65009), "customer", 65000)).toBe(65009);
  });

  it("out 2: with OTC it goes neither up nor to a peer", () => {
    expect(where((own) => leaksOut(of(65009), own))).toEqual(["rs-client", "customer", "peer"]);
    expect(where((own) => leaksOut(of(), own))).toEqual([]);
  });
});
