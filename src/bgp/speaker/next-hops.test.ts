import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig } from "./config.ts";
import type { Effect } from "./effect.ts";
import { configA, configB, peerConfig, TestNet } from "./two-speakers.testkit.ts";

const to = prefix("10.1.0.0/16");

/** b with two external ways to 10.1.0.0/16, by way of next hops that its edge is asked about. */
function tracking(importPolicy: PeerConfig["importPolicy"] = "accept") {
  const net = new TestNet();
  net.answersNextHops = false;
  const asked: string[] = [];
  const perform = net.perform.bind(net);
  net.perform = (node, effects: Effect[]) => {
    for (const effect of effects) if (effect.do === "trackNextHop") asked.push(effect.nextHop);
    perform(node, effects);
  };
  const a = net.add(configA({ originate: [to] }), "10.0.0.1");
  net.add({ ...configA({ originate: [to] }), localAsn: 65003 }, "10.0.0.3");
  const config = configB({ trackNextHops: true, originate: [], peer: { importPolicy } });
  config.peers.push({ ...peerConfig({ name: "c", address: "10.0.0.3" }), importPolicy });
  const b = net.add(config, "10.0.0.2");
  net.settle();
  const tell = (costs: Record<string, number | undefined>) => {
    const told = Object.entries(costs).map(([of, cost]) => ({ nextHop: address(of), cost }));
    net.perform(b, b.speaker.step({ input: "nextHops", told }, net.nowMs));
  };
  const explained = () => b.speaker.explain(to);
  return { net, a, b, asked, tell, explained, config };
}

describe("next hops (RFC 4271 §9.1.2)", () => {
  it("are asked about once; a route is used only when its next hop can be reached", () => {
    const { asked, tell, explained, b } = tracking();
    expect(asked.toSorted()).toEqual(["10.0.0.1", "10.0.0.3"]);
    const reason = (of: string) => `its next hop ${of} cannot be reached (RFC 4271 §9.1.2)`;
    expect(explained().best).toBeUndefined();
    expect(explained().notUsed.map((one) => one.reason)).toEqual([
      reason("10.0.0.1"),
      reason("10.0.0.3"),
    ]);
    tell({ "10.0.0.3": 0, "10.0.0.1": undefined });
    expect(explained().best?.peer).toBe("c");
    expect(explained().notUsed.map((one) => one.reason)).toEqual([reason("10.0.0.1")]);
    expect(b.speaker.routesReceived("a")[0]?.notUsed).toBe(reason("10.0.0.1"));
    tell({ "10.0.0.3": undefined });
    expect(explained().best).toBeUndefined();
    expect(b.speaker.routesAvailable()).toEqual([]);
  });

  it("are asked about again where another table of the kernel's answers from now on; routes stay until it does", () => {
    const { net, b, asked, tell, explained, config } = tracking();
    tell({ "10.0.0.1": 0, "10.0.0.3": undefined });
    asked.length = 0;
    net.configure(b, { ...config, installRoutes: { table: 100, metric: 20 } });
    expect(asked.toSorted()).toEqual(["10.0.0.1", "10.0.0.3"]);
    expect(explained().best?.peer).toBe("a");
    tell({ "10.0.0.1": undefined, "10.0.0.3": 0 });
    expect(explained().best?.peer).toBe("c");
    asked.length = 0;
    net.configure(b, { ...config, installRoutes: { table: 100, metric: 20 }, originate: [] });
    expect(asked).toEqual([]);
  });

  it("of equal routes the one whose next hop costs less wins, also when that changes (§9.1.2.2 e)", () => {
    const { tell, explained } = tracking();
    tell({ "10.0.0.1": 30, "10.0.0.3": 20 });
    expect(explained().best?.peer).toBe("c");
    const step = explained().steps.find(({ name }) => name === "lowest cost to the next hop");
    expect(step).toMatchObject({ rfc: "RFC 4271 §9.1.2.2 e", kept: ["c"], dropped: ["a"] });
    tell({ "10.0.0.1": 10 });
    expect(explained().best?.peer).toBe("a");
    tell({ "10.0.0.1": 0 });
    expect(explained().best?.peer).toBe("a");
  });

  it("are those that the import policy sets", () => {
    const nextHop = address("10.9.9.9");
    const policy = [{ name: "far", action: "accept" as const, set: { nextHop } }];
    const { asked, tell, explained } = tracking(policy);
    expect(asked).toEqual(["10.9.9.9"]);
    expect(explained().best).toBeUndefined();
    tell({ "10.9.9.9": 5 });
    expect(explained().candidates).toHaveLength(2);
  });

  it("count as reachable at no cost where nobody tells, from when that is so", () => {
    const { net, b, config, explained, asked } = tracking();
    net.configure(b, { ...config, trackNextHops: false });
    expect(explained().candidates).toHaveLength(2);
    asked.length = 0;
    net.configure(b, config);
    expect(asked.toSorted()).toEqual(["10.0.0.1", "10.0.0.3"]);
    expect(explained().candidates).toEqual([]);
  });
});
