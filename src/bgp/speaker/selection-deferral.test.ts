import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { ipv4Unicast, ipv6Unicast } from "../wire/registry.ts";
import type { SpeakerConfig } from "./config.ts";
import {
  configA,
  configB,
  peerConfig,
  TestNet,
  type TestNode,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

const peer = { gracefulRestart: { restartTimeSeconds: 60 } };

/** b, with own routes, between a, which has many, and c; b restarts while a is silent, and c is back first. */
function restarting(importPolicy: "accept" | "reject" = "accept") {
  const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16"], peer });
  const own = { originate: ["10.2.0.0/16"], peer: { ...peer, importPolicy } };
  const config: SpeakerConfig = {
    ...configB(own),
    peers: [
      ...configB(own).peers,
      peerConfig({ name: "c", address: "10.0.0.3", ...peer, importPolicy }),
    ],
  };
  net.configure(b, config);
  const cConfig = {
    ...configA({ peer }),
    localAsn: 65003,
    routerId: address("3.3.3.3"),
    originate: [],
  };
  const c = net.add(cConfig, "10.0.0.3");
  net.settle();
  net.crash(a);
  net.crash(b);
  net.run(100);
  b.sent.length = 0;
  net.restart(b, config, true);
  net.runUntil("c is back", () => c.status().state === "Established");
  net.run(50);
  return { net, a, b, c };
}

const endOfRibSent = (node: TestNode, to: string) =>
  node.sent.some(
    ({ to: at, message }) => at === to && message.type === "UPDATE" && message.endOfRib,
  );

describe("route selection after a restart (RFC 4724 §4.1)", () => {
  it("waits for the peers that kept the routes: own ones are sent, learned ones and End-of-RIB held back", () => {
    const { net, a, b, c } = restarting();
    expect(endOfRibSent(b, "10.0.0.3")).toBe(false);
    // The helper goes on with what it has: the route by way of b to a.
    const seen = c.speaker.routesReceived().map(({ prefix, stale }) => `${prefix} ${stale}`);
    expect(seen.sort()).toEqual(["10.1.0.0/16 true", "10.2.0.0/16 false"]);
    net.restart(a, configA({ originate: ["10.1.0.0/16"], peer }), true);
    net.settle();
    expect(endOfRibSent(b, "10.0.0.3")).toBe(true);
    expect(
      c.speaker
        .routesReceived()
        .map((route) => route.prefix)
        .sort(),
    ).toEqual(["10.1.0.0/16", "10.2.0.0/16"]);
    expect([...b.timers.keys()]).not.toContain("0:selectionDeferral");
  });

  it("does not wait for a family that a peer does not carry", () => {
    const families = [ipv4Unicast, ipv6Unicast];
    const net = new TestNet();
    net.add(configA({ peer }), "10.0.0.1");
    // a, which is not configured for IPv6, agrees on IPv4 only.
    const b = net.add(configB({ peer: { ...peer, families } }), "10.0.0.2", true);
    net.settle();
    expect(b.status().state).toBe("Established");
    expect([...b.timers.keys()]).not.toContain("0:selectionDeferral");
  });

  it("until then neither BoRR nor EoRR touch what the helper keeps (RFC 7313 §4)", () => {
    const { net, b, c } = restarting();
    const kept = () =>
      c.speaker
        .routesReceived()
        .map(({ prefix, stale }) => `${prefix} ${stale}`)
        .sort();
    const before = kept();
    net.inject(b, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 1 });
    net.run(10);
    expect(kept()).toEqual(before);
    net.inject(b, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 2 });
    net.run(10);
    expect(kept()).toEqual(before);
  });

  it("and a refresh that is asked for has no BoRR (RFC 7313 §4)", () => {
    const { net, b, c } = restarting();
    b.sent.length = 0;
    net.inject(c, { type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 });
    net.run(10);
    const said = b.sent.map(({ message }) => message.type).filter((type) => type !== "KEEPALIVE");
    expect(said).toEqual(["UPDATE"]);
  });

  it("no longer than the restart time", () => {
    const { net, b } = restarting();
    net.run(55_000);
    expect(endOfRibSent(b, "10.0.0.3")).toBe(false);
    net.run(10_000);
    expect(endOfRibSent(b, "10.0.0.3")).toBe(true);
  });

  it("not at all where no route of theirs would be used, as Cilium's speakers do", () => {
    const { b } = restarting("reject");
    expect(endOfRibSent(b, "10.0.0.3")).toBe(true);
    expect([...b.timers.keys()]).not.toContain("0:selectionDeferral");
  });
});
