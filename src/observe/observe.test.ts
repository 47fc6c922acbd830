import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import type { Runtime } from "../runtime/port.ts";
import { frrRoute, frrText, parseFrrPrefix, parseFrrSummary, parseFrrTable } from "./frr.ts";
import { parseKernelAddresses, parseKernelRoutes } from "./kernel.ts";
import { formatAsPath, formatCommunity, receivedRoute, sessionOf } from "./speaker.ts";
import { UnreadableError } from "./unreadable.ts";

const data = new URL("../../test/data/", import.meta.url);

function json(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, data), "utf8"));
}

describe("FRR 8.4.4", () => {
  test("a table: every path of every prefix, ECMP marked", () => {
    const routes = parseFrrTable(json("frr/8.4.4/tor0-routes.json"));
    expect(new Set(routes.map((route) => route.prefix)).size).toBe(8);
    const paths = routes.filter((route) => route.prefix === "10.1.3.0/24");
    expect(paths.map(({ best, multipath, asPath }) => ({ best, multipath, asPath }))).toEqual([
      { best: false, multipath: true, asPath: "65000 65011" },
      { best: true, multipath: false, asPath: "65000 65011" },
    ]);
    expect(paths[0]!.nextHops).toHaveLength(1);
    expect(routes.find((route) => route.prefix === "10.0.2.0/24")).toMatchObject({ nextHops: [] });
  });

  test("a prefix: all attributes, unnumbered next hops with their interface", () => {
    const [other, best] = parseFrrPrefix(json("frr/8.4.4/tor0-route-ecmp.json"));
    expect(best).toEqual({
      prefix: "10.1.3.0/24",
      valid: true,
      best: true,
      multipath: false,
      stale: false,
      nextHops: [{ address: "fe80::7474:5ff:fe2c:2499", interface: "net0" }],
      asPath: "65000 65011",
      origin: "IGP",
      communities: ["65011:100"],
      largeCommunities: ["65011:1:2"],
      peer: "fe80::7474:5ff:fe2c:2499",
      peerName: "router0",
      why: "Router ID",
    });
    expect(other).toMatchObject({ best: false, multipath: true, peerName: "router1" });
  });

  test("iBGP, own, stale and absent", () => {
    expect(parseFrrPrefix(json("frr/8.4.4/tor1-route-attributes.json"))).toMatchObject([
      { asPath: "", localPref: 150, med: 30, nextHops: [{ address: "10.0.4.2" }] },
    ]);
    expect(parseFrrPrefix(json("frr/8.4.4/tor0-route-local.json"))).toMatchObject([
      { nextHops: [], origin: "incomplete" },
    ]);
    expect(parseFrrPrefix(json("frr/8.4.4/tor0-route-stale.json"))).toMatchObject([
      { stale: true, best: true },
    ]);
    expect(parseFrrPrefix(json("frr/8.4.4/tor0-route-absent.json"))).toEqual([]);
  });

  test("sessions; a restarting neighbor is Idle and its routes are counted still", () => {
    const { ipv4Unicast } = json("frr/8.4.4/tor0-summary-restarting.json") as {
      ipv4Unicast: unknown;
    };
    const { sessions, localAsn } = parseFrrSummary(ipv4Unicast);
    expect(localAsn).toBe(65010);
    expect(sessions.find(({ peer }) => peer === "10.0.2.2")).toEqual({
      peer: "10.0.2.2",
      hostname: "kind-worker",
      state: "Idle",
      localAsn: 65010,
      remoteAsn: 65010,
      received: 1,
      sent: 0,
      uptimeMs: 0,
    });
    expect(sessions.find(({ peer }) => peer === "net0")).toMatchObject({ state: "Established" });
  });

  test("what holds a session down is not part of its state", () => {
    const peers = { "10.0.2.2": { state: "Idle (PfxCt)" }, "10.0.3.2": { state: "Active" } };
    const [held, free] = parseFrrSummary({ as: 65010, peers }).sessions;
    expect(held).toMatchObject({ state: "Idle", heldBy: "PfxCt" });
    expect(free).toMatchObject({ state: "Active" });
    expect(free).not.toHaveProperty("heldBy");
  });
});

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
const runtimeOf = (connectUnix: Runtime["connectUnix"], exec: Runtime["exec"]) =>
  ({ connectUnix, exec }) as Runtime;

describe("reading a router", () => {
  test("vtysh where the runtime has no way to the socket", async () => {
    const result = { exitCode: 0, stdout: "{}", stderr: "", tookMs: 1 };
    const told: string[] = [];
    const lab = runtimeOf(
      () => failing("ENOTSUP"),
      (_place, argv) => {
        told.push(argv.join(" "));
        return Promise.resolve(result);
      },
    );
    expect(await frrRoute(lab, "tor0", prefix("10.1.3.0/24"))).toEqual([]);
    expect(told).toEqual(["vtysh -c show bgp ipv4 unicast 10.1.3.0/24 json"]);
  });

  test("errors name node, command and output", async () => {
    const rejected = { exitCode: 1, stdout: "% Unknown command: show x\n", stderr: "", tookMs: 1 };
    const lab = runtimeOf(
      () => failing("ENOTSUP"),
      () => Promise.resolve(rejected),
    );
    await expect(frrText(lab, "tor0", "bgpd", "show x")).rejects.toMatchObject({
      name: "UnreadableError",
      node: "tor0",
      command: "show x",
      output: rejected.stdout,
    });
    const noJson = { ...rejected, exitCode: 0, stdout: "BGP instance not found" };
    const other = runtimeOf(
      () => failing("ENOTSUP"),
      () => Promise.resolve(noJson),
    );
    await expect(frrRoute(other, "tor0", prefix("10.1.3.0/24"))).rejects.toThrow(UnreadableError);
  });

  test("a daemon that does not run is not asked by vtysh", async () => {
    const lab = runtimeOf(
      () => failing("ENOENT"),
      () => Promise.reject(new Error("asked")),
    );
    await expect(frrText(lab, "tor0", "bgpd", "show x")).rejects.toThrow("bgpd is not running");
  });
});

describe("kernel", () => {
  test("routes: ECMP over link-local gateways of the other family, hosts, blackholes", () => {
    const routes = parseKernelRoutes(json("iproute2/tor0-route.json"), "ipv4");
    const ecmp = routes.find((route) => route.prefix === "10.1.3.0/24")!;
    expect(ecmp).toMatchObject({ table: "main", protocol: "bgp", metric: 20, type: "unicast" });
    expect(ecmp.nextHops.map((hop) => hop.interface).sort()).toEqual(["net0", "net3"]);
    expect(ecmp.nextHops.every((hop) => hop.address?.startsWith("fe80:"))).toBe(true);
    expect(routes.some((route) => route.prefix === "10.0.0.0/32")).toBe(true);
    const worker = parseKernelRoutes(json("iproute2/kind-worker-route.json"), "ipv4");
    expect(worker.find((route) => route.type === "blackhole")).toMatchObject({
      prefix: "10.1.1.0/24",
      nextHops: [],
    });
    expect(worker.find((route) => route.prefix === "0.0.0.0/0")).toMatchObject({
      nextHops: [{ address: "10.0.2.1", interface: "net0" }],
    });
    const v6 = parseKernelRoutes(json("iproute2/tor0-route6.json"), "ipv6");
    expect(v6.some((route) => route.prefix === "fe80::/64")).toBe(true);
  });

  test("addresses", () => {
    const addresses = parseKernelAddresses(json("iproute2/tor0-addr.json"));
    expect(addresses).toContainEqual({
      interface: "lo",
      address: "10.0.0.1",
      prefixLength: 32,
      scope: "global",
    });
    expect(addresses.filter(({ scope }) => scope === "link")).toHaveLength(3);
  });
});

describe("Spinelab's agent", () => {
  test("a session", () => {
    const status = {
      name: "peer-65010-rack0",
      address: address("10.0.0.1"),
      port: 179,
      asn: 65010,
      localAsn: 65010,
      state: "Established" as const,
      uptimeMs: 5,
      hostname: "tor0",
      updates: { received: 5, sent: 2 },
      families: [
        {
          family: { afi: "ipv4" as const, safi: "unicast" as const },
          received: 11,
          accepted: 0,
          advertised: 1,
          announced: 1,
        },
      ],
    };
    expect(sessionOf(status, "ipv4-unicast")).toMatchObject({
      received: 11,
      sent: 1,
      peer: "10.0.0.1",
    });
    // The router at the other end of eth1 is not known: FRR names such a session by its link as well.
    const unnumbered = { ...status, address: "::" as typeof status.address, interface: "eth1" };
    expect(sessionOf(unnumbered, "ipv4-unicast")).toMatchObject({ peer: "eth1" });
    expect(sessionOf(status, "ipv6-unicast")).toMatchObject({ received: 0, sent: 0 });
  });

  test("a route that the import policy rejects is there and not valid", () => {
    const route = receivedRoute({
      family: { afi: "ipv4", safi: "unicast" },
      prefix: prefix("10.0.0.0/8"),
      nextHop: address("10.0.0.1"),
      peer: "p",
      peerAddress: address("10.0.0.1"),
      attributes: {
        origin: "incomplete",
        asPath: [
          { kind: "sequence", asns: [65000, 65011] },
          { kind: "set", asns: [1, 2] },
        ],
        communities: [0xffffff01, (65011 << 16) >>> 0],
        largeCommunities: [[65011, 1, 2]],
      },
      best: false,
      stale: false,
      notUsed: "import policy",
    });
    expect(route).toMatchObject({
      valid: false,
      why: "import policy",
      asPath: "65000 65011 {1,2}",
      communities: ["no-export", "65011:0"],
      largeCommunities: ["65011:1:2"],
    });
  });

  test("words as FRR has them", () => {
    expect(formatAsPath([])).toBe("");
    expect(formatCommunity(0xffff0000)).toBe("graceful-shutdown");
    expect(formatCommunity(65011 * 65536 + 100)).toBe("65011:100");
  });
});
