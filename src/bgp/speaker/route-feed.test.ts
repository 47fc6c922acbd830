import { describe, expect, it } from "vitest";
import type { SpeakerConfig } from "./config.ts";
import type { Effect } from "./effect.ts";
import { configA, configB, peerConfig, TestNet } from "./two-speakers.testkit.ts";

const installRoutes = { table: 254, metric: 20 };

/** What an edge would have installed: prefix to next hops. */
function follow(of: readonly Effect[], into: Map<string, string[]>): void {
  for (const effect of of) {
    if (effect.do === "routes") {
      for (const { prefix, nextHops } of effect.changes) {
        if (nextHops.length === 0) into.delete(prefix);
        else
          into.set(
            prefix,
            nextHops.map(({ address, peer }) => `${address} of ${peer}`),
          );
      }
    }
    if (effect.do === "routesSelected") into.set(effect.family, ["selected"]);
  }
}

/** b, which installs, with two ways to a's routes. */
function net(of: Partial<SpeakerConfig> & { peer?: object } = {}, restarting = false) {
  const { peer = {}, ...rest } = of;
  const world = new TestNet();
  const heard = new Map<string, string[]>();
  const perform = world.perform.bind(world);
  const config: SpeakerConfig = {
    ...configB({ peer }),
    installRoutes,
    maximumPaths: { external: 2, asPathRelax: true },
    originate: [],
    ...rest,
  };
  config.peers = [...config.peers, { ...peerConfig({ name: "c", address: "10.0.0.3" }), ...peer }];
  world.perform = (node, effects) => {
    if (node.address === "10.0.0.2") follow(effects, heard);
    perform(node, effects);
  };
  const a = world.add(configA({ originate: ["10.1.0.0/16"], peer }), "10.0.0.1");
  const cConfig = {
    ...configA({ originate: ["10.1.0.0/16", "10.3.0.0/16"], peer }),
    routerId: configA({}).routerId,
  };
  const c = world.add({ ...cConfig, localAsn: 65003 }, "10.0.0.3");
  const b = world.add(config, "10.0.0.2", restarting);
  return { net: world, a, b, c, config, heard };
}

describe("the feed of routes in use", () => {
  it("tells of every way, of changes and of the end", () => {
    const { net: world, a, heard, config, b } = net();
    world.settle();
    expect(Object.fromEntries(heard)).toEqual({
      ipv4: ["selected"],
      ipv6: ["selected"],
      "10.1.0.0/16": ["10.0.0.1 of a", "10.0.0.3 of c"],
      "10.3.0.0/16": ["10.0.0.3 of c"],
    });
    world.crash(a);
    world.settle();
    expect(heard.get("10.1.0.0/16")).toEqual(["10.0.0.3 of c"]);
    // Its own now: nothing to install.
    world.configure(b, {
      ...config,
      originate: [...configA({ originate: ["10.1.0.0/16"] }).originate],
    });
    expect(heard.has("10.1.0.0/16")).toBe(false);
    world.perform(b, b.speaker.stop("graceful", world.nowMs));
    expect([...heard.keys()].toSorted()).toEqual(["ipv4", "ipv6"]);
  });

  it("is silent where nothing is installed, and begins when that changes", () => {
    const { net: world, b, config, heard } = net({});
    const { installRoutes: _, ...without } = config;
    world.configure(b, without);
    heard.clear();
    world.settle();
    expect(heard.size).toBe(0);
    world.configure(b, config);
    world.run(0);
    expect([...heard.keys()].toSorted()).toEqual(["10.1.0.0/16", "10.3.0.0/16", "ipv4", "ipv6"]);
  });

  it("after a restart tells nothing of a family before its routes are selected (RFC 4724 §4.1)", () => {
    const peer = { gracefulRestart: { restartTimeSeconds: 60 } };
    const { net: world, b, a, config, heard } = net({ peer });
    world.settle();
    world.crash(b);
    world.crash(a);
    heard.clear();
    world.restart(b, config, true);
    world.runUntil("c is back", () => b.speaker.routesReceived().length === 2);
    // No peer is waited for in the other family.
    expect([...heard.keys()]).toEqual(["ipv6"]);
    world.restart(a, configA({ originate: ["10.1.0.0/16"], peer }), false);
    world.runUntil("selected", () => heard.has("ipv4"));
    expect(heard.get("10.1.0.0/16")).toHaveLength(2);
  });

  it("a graceful stop leaves what peers that restart gracefully count on", () => {
    const peer = { gracefulRestart: { restartTimeSeconds: 60 } };
    const { net: world, b, heard } = net({ peer });
    world.settle();
    heard.clear();
    world.perform(b, b.speaker.stop("graceful", world.nowMs));
    expect(heard.size).toBe(0);
    const again = net({ peer });
    again.net.settle();
    again.net.perform(again.b, again.b.speaker.stop("cease", again.net.nowMs));
    expect([...again.heard.keys()].toSorted()).toEqual(["ipv4", "ipv6"]);
  });
});
