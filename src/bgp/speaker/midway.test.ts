// What comes at a bad moment: configuration between OPEN and KEEPALIVE, amid a refresh, and twice at once.
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { decodeMessage } from "../wire/decode.ts";
import { encodeMessage } from "../wire/encode.ts";
import type { Capability, Message, OpenMessage } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import type { Effect, Input } from "./effect.ts";
import { Speaker } from "./speaker.ts";
import { configA, configB, twoSpeakers } from "./two-speakers.testkit.ts";

const codec = { fourOctetAs: true, extendedMessage: false };
const ends = { localAddress: address("10.0.0.1"), remoteAddress: address("10.0.0.2") };

/** a, which has said OPEN over its connection 1; and what it does in each later step. */
function inOpenSent(of: Parameters<typeof configA>[0] = {}) {
  const options = { nowMs: 0, restarting: false, softwareVersion: "", random: () => 0.5 };
  const speaker = new Speaker(configA(of), options);
  const timers = new Set<string>();
  let effects: Effect[] = [];
  const perform = (done: Effect[]) => {
    effects = done;
    for (const effect of done) {
      if (effect.do === "setTimer") timers.add(effect.timer);
      if (effect.do === "clearTimer") timers.delete(effect.timer);
    }
  };
  const step = (input: Input) => perform(speaker.step(input, 0));
  const receive = (connection: number, ...messages: Message[]) => {
    const bytes = Buffer.concat(messages.flatMap((one) => encodeMessage(one, codec)));
    step({ input: "received", connection, bytes });
  };
  const said = (connection: number) =>
    effects.flatMap((effect) =>
      effect.do === "send" && effect.connection === connection
        ? [decodeMessage(effect.bytes, codec).message]
        : [],
    );
  const does = (kind: Effect["do"]) => effects.filter((effect) => effect.do === kind);
  perform(speaker.start(0));
  step({ input: "connected", connection: 1, ...ends });
  expect(said(1)).toMatchObject([{ type: "OPEN" }]);
  return {
    ...{ speaker, timers, step, receive, said, does },
    configure: (config: Parameters<typeof configA>[0]) =>
      perform(speaker.configure(configA(config), 0)),
  };
}

function openOfB(more: OpenMessage["capabilities"] = []): OpenMessage {
  return {
    ...{ type: "OPEN", version: 4, asn: 65002, holdTimeSeconds: 90 },
    bgpIdentifier: address("2.2.2.2"),
    capabilities: [
      { capability: "multiprotocol", family: ipv4Unicast },
      { capability: "fourOctetAs", asn: 65002 },
      ...more,
    ],
  };
}

const keepalive: Message = { type: "KEEPALIVE" };

describe("configuration while the peer's OPEN is awaited", () => {
  it.each([
    ["remote AS", { asn: 65009 }],
    ["hold time", { holdTimeSeconds: 30 }],
    ["keepalive time", { keepaliveTimeSeconds: 1 }],
    ["connect retry time", { connectRetryTimeSeconds: 77 }],
  ])("another %s begins anew by it, and the old connection is done with", (_, peer) => {
    const { speaker, timers, step, receive, said, does, configure } = inOpenSent();
    configure({ peer });
    expect(said(1)).toMatchObject([{ type: "NOTIFICATION", code: 6, subcode: 6 }]);
    expect(does("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(does("connect")).toMatchObject([{ connection: 2 }]);
    // The peer's answer to the old OPEN was on its way.
    receive(1, openOfB(), keepalive);
    step({ input: "closed", connection: 1 });
    expect(speaker.peers(0)).toMatchObject([{ state: "Connect" }]);
    expect([...timers].filter((timer) => timer.startsWith("1:"))).toEqual([]);
    step({ input: "connected", connection: 2, ...ends });
    expect(said(2)).toMatchObject([
      { type: "OPEN", holdTimeSeconds: "holdTimeSeconds" in peer ? 30 : 9 },
    ]);
    receive(2, openOfB(), keepalive);
    expect(speaker.peers(0)).toMatchObject([
      "asn" in peer ? { state: "Idle" } : { state: "Established" },
    ]);
  });

  it("graceful restart is not agreed on by an OPEN that did not say it", () => {
    const theirs: Capability = {
      capability: "gracefulRestart",
      ...{ restarting: false, notification: true, restartTimeSeconds: 120 },
      families: [{ family: ipv4Unicast, forwardingPreserved: true }],
    };
    const gracefulRestart = { restartTimeSeconds: 60 };
    const later = inOpenSent();
    later.configure({ peer: { gracefulRestart } });
    later.receive(1, openOfB([theirs]), keepalive);
    expect(later.speaker.peers(0)).toMatchObject([{ state: "Established" }]);
    expect(later.speaker.peers(0)[0]).not.toHaveProperty("gracefulRestart");
    // And the other way round: what was said holds for this session.
    const before = inOpenSent({ peer: { gracefulRestart } });
    before.configure({});
    before.receive(1, openOfB([theirs]), keepalive);
    expect(before.speaker.peers(0)).toMatchObject([{ gracefulRestart: { restarting: false } }]);
  });
});

describe("a peer taken out and put back at one instant", () => {
  const originate = ["10.1.0.0/16"];

  it("gives its routes back, has one session, and is left the time to read that the last has ended", () => {
    const { net, a, b } = twoSpeakers(
      { originate, peer: { passive: false } },
      { originate: ["10.2.0.0/16"], peer: { passive: true } },
    );
    net.settle();
    net.configure(a, { ...configA({ originate }), peers: [] });
    net.configure(a, configA({ originate, peer: { passive: false } }));
    expect(a.speaker.routesAvailable().map((route) => route.prefix)).toEqual(originate);
    net.run(249);
    expect(a.status().state).toBe("Idle");
    net.run(1);
    expect(a.status().state).toBe("Connect");
    net.settle();
    expect([a.wires.size, b.wires.size]).toEqual([1, 1]);
    expect(b.status().lastDown).toContain("Cease/Peer De-configured");
    for (const node of [a, b]) expect(node.speaker.routesReceived()).toHaveLength(1);
    expect([...a.timers.keys()].filter((timer) => timer.startsWith("1:"))).toEqual([]);
  });
});

describe("another import policy amid a refresh", () => {
  it("judges what is there, and what is not sent again goes all the same", () => {
    const { net, a, b } = twoSpeakers({ originate: ["10.1.0.0/16", "10.2.0.0/16"] });
    net.settle();
    const refresh = { type: "ROUTE-REFRESH", family: ipv4Unicast } as const;
    const routes = () =>
      b.speaker.routesReceived().map((route) => `${route.prefix} ${route.stale} ${route.best}`);
    const again: Message = {
      ...{ type: "UPDATE", withdrawn: [] },
      attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
      announced: [{ family: ipv4Unicast, prefixes: [prefix("10.1.0.0/16")], nextHop: a.address }],
    };
    net.inject(a, { ...refresh, subtype: 1 }, again);
    net.run(5);
    net.configure(b, configB({ peer: { importPolicy: "reject" } }));
    expect(routes()).toEqual(["10.1.0.0/16 false false", "10.2.0.0/16 true false"]);
    net.configure(b, configB());
    expect(routes()).toEqual(["10.1.0.0/16 false true", "10.2.0.0/16 true true"]);
    net.inject(a, { ...refresh, subtype: 2 });
    net.run(5);
    expect(routes()).toEqual(["10.1.0.0/16 false true"]);
    expect(b.status().families).toMatchObject([{ received: 1, accepted: 1 }]);
    expect(b.speaker.routesAvailable()).toHaveLength(1);
  });
});
