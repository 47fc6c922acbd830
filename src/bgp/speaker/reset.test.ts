import { describe, expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./config.ts";
import type { ResetKind } from "./reset.ts";
import {
  configA,
  configB,
  type TestNet,
  type TestNode,
  twoSpeakers,
} from "./two-speakers.testkit.ts";

const originate = ["10.1.0.0/16", "10.2.0.0/16"];

function reset(net: TestNet, node: TestNode, kind: ResetKind, peer?: string) {
  const { done, effects } = node.speaker.reset({ peer, kind }, net.nowMs);
  net.perform(node, effects);
  return done;
}

function notifications(node: TestNode): string[] {
  return node.sent.flatMap(({ message }) =>
    message.type === "NOTIFICATION" ? [`${message.code}/${message.subcode}`] : [],
  );
}

/** What was sent since, in words. */
function said(node: TestNode): string[] {
  return node.sent.flatMap(({ message }) => {
    if (message.type === "ROUTE-REFRESH") return [`refresh ${message.subtype}`];
    if (message.type !== "UPDATE") return [];
    return message.announced.flatMap(({ prefixes }) => prefixes);
  });
}

describe("a hard reset", () => {
  it("says Administrative Reset, takes the routes away and brings them back", () => {
    const { net, a, b } = twoSpeakers({ originate }, { originate: ["10.9.0.0/16"] });
    net.settle();
    expect(reset(net, a, "hard", "b")).toEqual([
      { peer: "b", address: "10.0.0.2", outcome: "session reset" },
    ]);
    expect(a.speaker.routesReceived()).toEqual([]);
    expect(a.status().lastDown).toBe("administrative reset");
    net.run(10);
    expect(notifications(a)).toContain("6/4");
    expect(b.status().lastDown).toBe("received NOTIFICATION Cease/Administrative Reset");
    net.settle();
    expect(b.speaker.routesReceived()).toHaveLength(2);
    expect(a.speaker.routesReceived()).toHaveLength(1);
  });

  it("with the N bit of both sides keeps routes on both meanwhile (RFC 8538 §4)", () => {
    const peer = { gracefulRestart: { restartTimeSeconds: 60 } };
    const { net, a, b } = twoSpeakers({ originate, peer }, { originate: ["10.9.0.0/16"], peer });
    net.settle();
    reset(net, a, "hard");
    expect(notifications(a)).toContain("6/4");
    expect(a.speaker.routesReceived()).toMatchObject([{ stale: true, best: true }]);
    net.runUntil("b hears of it", () => b.status().state !== "Established");
    expect(b.speaker.routesReceived()).toMatchObject([{ stale: true }, { stale: true }]);
    net.settle();
    expect(a.speaker.routesReceived()).toMatchObject([{ stale: false }]);
    expect(b.speaker.routesReceived()).toMatchObject([{ stale: false }, { stale: false }]);
  });

  it("may be a Hard Reset, which keeps no routes (RFC 8538 §3.1)", () => {
    const gracefulRestart = { restartTimeSeconds: 60 };
    const { net, a, b } = twoSpeakers(
      {
        originate,
        peer: { gracefulRestart: { ...gracefulRestart, hardAdministrativeReset: true } },
      },
      { originate: ["10.9.0.0/16"], peer: { gracefulRestart } },
    );
    net.settle();
    reset(net, a, "hard");
    expect(notifications(a)).toContain("6/9");
    expect(a.speaker.routesReceived()).toEqual([]);
    net.runUntil("b hears of it", () => b.status().state !== "Established");
    expect(b.speaker.routesReceived()).toEqual([]);
    net.settle();
    expect(b.speaker.routesReceived()).toHaveLength(2);
  });

  it("ends the wait after too many routes, but no administrative shutdown", () => {
    const maximumPrefix = {
      "ipv4/unicast": { count: 1, warningThresholdPercent: 75, action: "teardown" as const },
    };
    const { net, a, b } = twoSpeakers({ originate }, { peer: { maximumPrefix } });
    net.run(1_000);
    expect(b.status().state).toBe("Idle");
    net.configure(a, configA({ originate: originate.slice(1) }));
    net.run(1_000);
    expect(b.status().state).toBe("Idle");
    expect(reset(net, b, "hard")).toMatchObject([{ outcome: "session reset" }]);
    net.settle();
    net.configure(b, configB({ peer: { shutdown: {} } }));
    net.run(1_000);
    expect(reset(net, b, "hard")).toMatchObject([
      { outcome: "not reset: administratively shut down" },
    ]);
    net.run(10_000);
    expect(b.status().state).toBe("Idle");
  });

  it("of a peer that is not there does nothing", () => {
    const { net, a } = twoSpeakers();
    net.settle();
    expect(reset(net, a, "hard", "c")).toEqual([]);
    net.run(100);
    expect(a.status().state).toBe("Established");
  });
});

describe("a soft reset", () => {
  it("out sends every route again, between BoRR and EoRR, over the same session", () => {
    const { net, a, b } = twoSpeakers({ originate });
    net.settle();
    a.sent.length = 0;
    expect(reset(net, a, "soft-out", "10.0.0.2")).toMatchObject([{ outcome: "routes sent anew" }]);
    net.run(10);
    expect(said(a)).toEqual(["refresh 1", ...originate, "refresh 2"]);
    expect(notifications(a)).toEqual([]);
    expect(b.speaker.routesReceived()).toMatchObject([{ stale: false }, { stale: false }]);
  });

  it("in judges what was received anew, and asks nobody", () => {
    const importPolicy: PolicyStatement[] = [{ name: "all", action: "accept" }];
    const { net, a, b } = twoSpeakers({ originate }, { peer: { importPolicy } });
    net.settle();
    // As nobody does, so that it is seen when the statements are looked at.
    importPolicy[0]!.prefixes = [prefix("10.1.0.0/16")];
    b.sent.length = 0;
    expect(reset(net, b, "soft-in", "a")).toMatchObject([
      { outcome: "import policy applied anew" },
    ]);
    net.run(10);
    expect(said(b)).toEqual([]);
    expect(b.status().families).toMatchObject([{ received: 2, accepted: 1 }]);
    expect(b.speaker.routesAvailable()).toMatchObject([{ prefix: "10.1.0.0/16" }]);
    expect(a.status().state).toBe("Established");
  });

  it("out has nothing to send without a session", () => {
    const { net, a } = twoSpeakers();
    expect(reset(net, a, "soft-out")).toMatchObject([{ outcome: "nothing to send: Connect" }]);
  });
});
