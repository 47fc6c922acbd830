import { describe, expect, it } from "vitest";
import type { NotificationMessage } from "../wire/message.ts";
import type { MaximumPrefix, PeerConfig } from "./config.ts";
import { configA, configB, type TestNode, twoSpeakers } from "./two-speakers.testkit.ts";

const originate = (count: number) => Array.from({ length: count }, (_, i) => `10.1.${i}.0/24`);

function limited(of: Partial<MaximumPrefix>): Pick<Required<PeerConfig>, "maximumPrefix"> {
  const limit = { count: 10, warningThresholdPercent: 75, action: "teardown" as const, ...of };
  return { maximumPrefix: { "ipv4/unicast": limit } };
}

/** Without those about connections that come too many or too early. */
function notifications(node: TestNode): NotificationMessage[] {
  return node.sent
    .map(({ message }) => message)
    .filter((of) => of.type === "NOTIFICATION")
    .filter(({ subcode }) => subcode !== 5 && subcode !== 7);
}

describe("maximum-prefix (RFC 4486 §4)", () => {
  it("warns once above the threshold, and again after falling below it", () => {
    const { net, a, b } = twoSpeakers({ originate: originate(7) }, { peer: limited({}) });
    net.settle();
    const warnings = () => b.logs.filter((line) => line.includes("more than 75 %")).length;
    expect(warnings()).toBe(0);
    for (const count of [8, 9, 10, 5, 9]) {
      net.configure(a, configA({ originate: originate(count) }));
      net.run(10);
    }
    expect(warnings()).toBe(2);
    expect(b.logs).toContain("warn a: 8 ipv4/unicast routes: more than 75 % of the 10 allowed");
    expect(b.status().state).toBe("Established");
  });

  it("ends the session with Cease/1, family and bound, and stays down without a restart time", () => {
    const { net, a, b } = twoSpeakers({ originate: originate(10) }, { peer: limited({}) });
    net.settle();
    net.configure(a, configA({ originate: originate(11) }));
    net.run(10);
    expect(notifications(b)).toEqual([
      { type: "NOTIFICATION", code: 6, subcode: 1, data: Uint8Array.of(0, 1, 1, 0, 0, 0, 10) },
    ]);
    expect(b.status()).toMatchObject({
      state: "Idle",
      lastError: "too many routes: 11 ipv4/unicast routes, 10 allowed",
      lastDown: "too many routes: 11 ipv4/unicast routes, 10 allowed",
    });
    expect(b.speaker.routesAvailable()).toEqual([]);
    expect(a.status().lastDown).toBe(
      "received NOTIFICATION Cease/Maximum Number of Prefixes Reached",
    );
    net.run(600_000);
    expect(b.status().state).toBe("Idle");
    // A higher limit lifts it.
    net.configure(b, configB({ peer: limited({ count: 20 }) }));
    net.settle();
    expect(b.status().families[0]!.received).toBe(11);
  });

  it("holds what it has received already against a limit that is new, at once", () => {
    const { net, b } = twoSpeakers({ originate: originate(11) });
    net.settle();
    net.configure(b, configB({ peer: limited({ action: "warn" }) }));
    expect(b.logs).toContain("warn a: 11 ipv4/unicast routes, 10 allowed");
    net.configure(b, configB({ peer: limited({}) }));
    expect(b.status()).toMatchObject({
      state: "Idle",
      lastDown: "too many routes: 11 ipv4/unicast routes, 10 allowed",
    });
  });

  it("tries again after the restart time, and ends again while there are too many", () => {
    const { net, a, b } = twoSpeakers(
      { originate: originate(11), peer: { gracefulRestart: { restartTimeSeconds: 60 } } },
      {
        peer: {
          ...limited({ restartTimeSeconds: 30 }),
          gracefulRestart: { restartTimeSeconds: 60 },
        },
      },
    );
    net.run(1_000);
    expect(b.status().state).toBe("Idle");
    // With the N bit a Hard Reset, so that nobody keeps stale routes.
    expect(notifications(b)).toMatchObject([{ code: 6, subcode: 9 }]);
    net.run(60_000);
    expect(notifications(b).length).toBeGreaterThan(1);
    expect(b.status().state).toBe("Idle");
    net.configure(
      a,
      configA({ originate: originate(3), peer: { gracefulRestart: { restartTimeSeconds: 60 } } }),
    );
    net.run(60_000);
    expect(b.status()).toMatchObject({ state: "Established", families: [{ received: 3 }] });
  });

  it("with the action warn only says so", () => {
    const { net, b } = twoSpeakers(
      { originate: originate(11) },
      { peer: limited({ action: "warn" }) },
    );
    net.settle();
    expect(b.logs).toContain("warn a: 11 ipv4/unicast routes, 10 allowed");
    expect(b.speaker.routesAvailable()).toHaveLength(11);
  });
});

describe("shutdown communication (RFC 9003)", () => {
  it("is sent when a peer is shut down, shown by the other side, and kept down until lifted", () => {
    const { net, a, b } = twoSpeakers();
    net.settle();
    net.configure(a, configA({ peer: { shutdown: { communication: "back at noon" } } }));
    net.run(10);
    expect(b.status().lastDown).toBe(
      'received NOTIFICATION Cease/Administrative Shutdown "back at noon"',
    );
    expect(a.status()).toMatchObject({ state: "Idle", lastError: "administratively shut down" });
    net.run(600_000);
    expect([a.status().state, b.status().state]).not.toContain("Established");
    net.configure(a, configA());
    net.settle();
  });

  it("is inside the Hard Reset where the N bit was negotiated", () => {
    const gracefulRestart = { restartTimeSeconds: 60 };
    const { net, a, b } = twoSpeakers({ peer: { gracefulRestart } }, { peer: { gracefulRestart } });
    net.settle();
    net.perform(a, a.speaker.stop("cease", net.nowMs, "moving racks"));
    net.run(10);
    expect(b.status().lastDown).toBe(
      'received NOTIFICATION Cease/Hard Reset (Cease/Administrative Shutdown "moving racks")',
    );
  });

  it("a speaker that starts with a peer shut down does not call it, and refuses its calls", () => {
    const { net, b } = twoSpeakers({ peer: { shutdown: {} } });
    net.run(1_000);
    expect(b.status().lastError).toContain("Cease/Connection Rejected");
  });
});
