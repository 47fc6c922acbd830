import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseBirdProtocols, parseBirdRoutes } from "./bird.ts";
import { countOf, parseGobgpRib, sessionOf } from "./gobgp.ts";

/** BIRD 2.0.12 (10.9.0.1, AS 65001) and GoBGP 3.10.0 (10.9.0.2, AS 65002) as neighbors, recorded. */
function recorded(path: string): string {
  return readFileSync(new URL(`../../test/data/${path}`, import.meta.url), "utf8");
}
const json = (path: string): unknown => JSON.parse(recorded(path));

describe("BIRD", () => {
  const protocols = recorded("bird/2.0.12/protocols.txt");

  test("sessions, of BGP protocols alone, by family", () => {
    const expected = {
      ...{ peer: "10.9.0.2", state: "Established", localAsn: 65001, remoteAsn: 65002 },
      ...{ received: 2, sent: 1, hostname: "vm" },
    };
    const [session, ...others] = parseBirdProtocols(protocols, "ipv4-unicast");
    expect(session).toMatchObject(expected);
    expect(session!.uptimeMs).toBeGreaterThan(1000);
    expect(session!.uptimeMs).toBeLessThan(600_000);
    expect(others).toEqual([]);
    expect(parseBirdProtocols(protocols, "ipv6-unicast")).toMatchObject([{ received: 0, sent: 0 }]);
  });

  test("a session that is not up has no uptime, in the words of RFC 4271", () => {
    const down = protocols.replace(
      "BGP state:          Established",
      "BGP state:          Passive",
    );
    expect(parseBirdProtocols(down, "ipv4-unicast")).toMatchObject([
      { state: "Active", uptimeMs: 0 },
    ]);
  });

  test("routes, with attributes as FRR words them", () => {
    expect(parseBirdRoutes(recorded("bird/2.0.12/routes.txt"))).toMatchObject([
      { prefix: "198.51.100.0/24", best: true, nextHops: [] },
      {
        ...{ prefix: "203.0.113.0/24", best: true, asPath: "65002", med: 7, localPref: 100 },
        nextHops: [{ address: "10.9.0.2", interface: "eb" }],
        communities: ["65002:1", "no-export"],
        largeCommunities: ["65002:1:2"],
        ...{ origin: "incomplete", peer: "10.9.0.2" },
      },
      // The neighbor is not the next hop.
      { prefix: "203.0.114.0/24", nextHops: [{ address: "10.9.0.9" }], peer: "10.9.0.2" },
    ]);
  });

  test("a second path of a prefix stands without the prefix, and is not the best", () => {
    const text = `Table master4:
10.1.0.0/24          unicast [one 07:00:00.000] * (100) [AS65002i]
	via 10.9.0.2 on eb
	BGP.origin: IGP
	BGP.as_path: 65002
                     unicast [two 07:00:00.000] (100) [AS65003i]
	via 10.9.1.2 on ec
	BGP.origin: IGP
	BGP.as_path: 65003 65002
`;
    expect(parseBirdRoutes(text)).toMatchObject([
      { prefix: "10.1.0.0/24", best: true, asPath: "65002", origin: "IGP" },
      { prefix: "10.1.0.0/24", best: false, asPath: "65003 65002" },
    ]);
  });
});

describe("GoBGP", () => {
  const [neighbor] = json("gobgp/3.10.0/neighbors.json") as Parameters<typeof sessionOf>[0][];

  test("a session", () => {
    expect(sessionOf(neighbor!, "ipv4-unicast", 1795244345_000 + 5000)).toEqual({
      ...{ peer: "10.9.0.1", state: "Established", localAsn: 65002, remoteAsn: 65001 },
      ...{ received: 1, sent: 0, uptimeMs: 5000 },
    });
    expect(sessionOf(neighbor!, "ipv6-unicast", 0).received).toBe(0);
    expect(
      sessionOf({ ...neighbor, state: { session_state: 3 } }, "ipv4-unicast", 0),
    ).toMatchObject({ state: "Active", uptimeMs: 0 });
  });

  test("what it sent", () => {
    expect(countOf(json("gobgp/3.10.0/adj-out.json"))).toBe(2);
    expect(countOf([])).toBe(0);
  });

  test("routes: own ones have no next hop", () => {
    expect(parseGobgpRib(json("gobgp/3.10.0/rib.json"))).toMatchObject([
      {
        ...{ prefix: "198.51.100.0/24", best: true, asPath: "65001", origin: "IGP" },
        ...{ nextHops: [{ address: "10.9.0.1" }], peer: "10.9.0.1" },
      },
      {
        ...{ prefix: "203.0.113.0/24", nextHops: [], asPath: "", med: 7 },
        ...{ communities: ["65002:1", "no-export"], largeCommunities: ["65002:1:2"] },
      },
      { prefix: "203.0.114.0/24", nextHops: [{ address: "10.9.0.9" }] },
    ]);
  });
});
