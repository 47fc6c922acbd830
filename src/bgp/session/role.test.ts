import { describe, expect, it } from "vitest";
import type { Capability, Role } from "../wire/message.ts";
import { peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

/** What a session that is `own` answers to a peer that says these roles. */
function answer(own: { name: Role; strict?: boolean }, theirs: Capability[], asn = 65000): string {
  const played = new Played(sessionOptions({ role: own, asn: 0, localAsn: 65010 }));
  played
    .step({ input: "start" })
    .connected(1)
    .receive(1, peerOpen({ asn, extra: theirs }));
  return played.refused(1);
}

const role = (name: Role): Capability => ({ capability: "role", role: name });

describe("roles (RFC 9234 §4.2)", () => {
  const pairs: [Role, Role][] = [
    ["provider", "customer"],
    ["customer", "provider"],
    ["rs", "rs-client"],
    ["rs-client", "rs"],
    ["peer", "peer"],
  ];

  it.each(pairs)("%s and %s go together, and nothing else does", (own, counterpart) => {
    for (const [theirs] of pairs) {
      const expected = theirs === counterpart ? "none" : "2/11";
      expect(answer({ name: own }, [role(theirs)])).toBe(expected);
    }
  });

  it("a peer that says nothing is taken for the counterpart, unless roles are strict", () => {
    expect(answer({ name: "customer" }, [])).toBe("none");
    expect(answer({ name: "customer", strict: true }, [])).toBe("2/11");
    expect(answer({ name: "customer", strict: true }, [role("provider")])).toBe("none");
  });

  it("the same twice is said once, two different ones and an unknown one are a mismatch", () => {
    const provider = role("provider");
    const unknown: Capability = { capability: "unknown", code: 9, value: Uint8Array.of(7) };
    expect(answer({ name: "customer" }, [provider, provider])).toBe("none");
    expect(answer({ name: "customer" }, [provider, role("rs")])).toBe("2/11");
    expect(answer({ name: "customer" }, [unknown])).toBe("2/11");
  });

  it("internal peers have none", () => {
    expect(answer({ name: "customer", strict: true }, [], 65010)).toBe("none");
  });
});
