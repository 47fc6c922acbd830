import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { message as frame } from "../wire/hex.testkit.ts";
import type { Message, UpdateMessage } from "../wire/message.ts";
import { ownCapabilities } from "./capabilities.ts";
import { graceful, ipv4, ipv6, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

const keepalive: Message = { type: "KEEPALIVE" };
const update: UpdateMessage = {
  type: "UPDATE",
  withdrawn: [],
  attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65000] }] },
  announced: [{ family: ipv4, nextHop: address("10.0.2.1"), prefixes: [prefix("0.0.0.0/0")] }],
};

describe("on the way to Established", () => {
  it("goes through Connect, OpenSent and OpenConfirm", () => {
    const played = new Played(
      sessionOptions({ localAddress: address("10.0.2.2"), ttl: 1, password: "s" }),
    );
    expect(played.session.state).toBe("Idle");

    played.step({ input: "start" });
    expect(played.session.state).toBe("Connect");
    expect(played.effects).toEqual([
      {
        do: "connect",
        connection: 1,
        remoteAddress: "10.0.2.1",
        port: 179,
        localAddress: "10.0.2.2",
        ttl: 1,
        password: "s",
      },
      { do: "setTimer", timer: "connectRetry", afterMs: 10_000 },
    ]);

    played.connected(1);
    expect(played.session.state).toBe("OpenSent");
    expect(played.sent(1)).toMatchObject([
      { type: "OPEN", asn: 65010, holdTimeSeconds: 9, bgpIdentifier: "10.0.2.2" },
    ]);
    expect(played.timersSet()).toEqual({ "hold/1": 240_000 });
    expect(played.all("clearTimer")).toEqual([{ do: "clearTimer", timer: "connectRetry" }]);

    played.receive(1, peerOpen());
    expect(played.session.state).toBe("OpenConfirm");
    expect(played.sent(1)).toEqual([keepalive]);
    expect(played.timersSet()).toEqual({ "keepalive/1": 3_000, "hold/1": 9_000 });
    expect(played.session.negotiated).toBeUndefined();

    played.receive(1, keepalive);
    expect(played.session.state).toBe("Established");
    expect(played.session.negotiated).toEqual({
      connection: 1,
      localAddress: "10.0.2.2",
      remoteAddress: "10.0.2.1",
      codec: { fourOctetAs: true, extendedMessage: false, external: true },
      peerAsn: 65000,
      peerIdentifier: "10.0.0.1",
      internal: false,
      holdTimeSeconds: 9,
      keepaliveTimeSeconds: 3,
      families: [ipv4],
      routeRefresh: true,
      enhancedRouteRefresh: false,
      extendedNextHop: [],
      peerCapabilities: peerOpen().capabilities,
    });
    expect(played.all("established")).toEqual([
      {
        do: "established",
        negotiated: played.session.negotiated,
        opens: { sent: expect.objectContaining({ asn: 65010 }), received: peerOpen() },
      },
    ]);
    expect(played.timersSet()).toEqual({ "hold/1": 9_000 });
  });

  it("tells who it is, its name cut to 64 characters", () => {
    const local = {
      asn: 65010,
      hostname: "w".repeat(70),
      softwareVersion: "s/1",
      restarting: false,
    };
    expect(ownCapabilities(sessionOptions().peer, local)).toEqual([
      { capability: "multiprotocol", family: ipv4 },
      { capability: "multiprotocol", family: ipv6 },
      { capability: "routeRefresh" },
      { capability: "extendedMessage" },
      { capability: "fourOctetAs", asn: 65010 },
      { capability: "enhancedRouteRefresh" },
      { capability: "fqdn", hostname: "w".repeat(64), domain: "" },
      { capability: "softwareVersion", version: "s/1" },
    ]);
  });

  it("a passive one waits in Active and is Established over what it accepts", () => {
    const played = new Played(sessionOptions({ passive: true })).step({ input: "start" });
    expect(played.session.state).toBe("Active");
    expect(played.effects).toEqual([]);
    played.accepted(-1).receive(-1, peerOpen()).receive(-1, keepalive);
    expect(played.session.state).toBe("Established");
  });

  it("all that came at once is read at once", () => {
    const played = new Played().step({ input: "start" }).connected(1);
    played.receive(1, peerOpen(), keepalive, update, update);
    expect(played.updates()).toEqual([
      { message: update, problems: [] },
      { message: update, problems: [] },
    ]);
    expect(played.all("setTimer").filter(({ timer }) => timer === "hold/1")).toHaveLength(2);
  });

  it("routes are preserved, says an OPEN after a session that was lost (RFC 8538 §4, RFC 9494 §3)", () => {
    const gracefulRestart = { restartTimeSeconds: 15, longLivedStaleTimeSeconds: 60 };
    const played = new Played(sessionOptions({ gracefulRestart }));
    const preserved = (id: number) => {
      const [open] = played.sent(id);
      const capabilities = open?.type === "OPEN" ? open.capabilities : [];
      return ["gracefulRestart", "longLivedGracefulRestart"].map((name) => {
        const one = capabilities.find(({ capability }) => capability === name);
        return one !== undefined && "families" in one
          ? one.families.map(({ forwardingPreserved }) => forwardingPreserved)
          : [];
      });
    };
    played.step({ input: "start" }).connected(1);
    expect(preserved(1)).toEqual([
      [false, false],
      [false, false],
    ]);
    played.receive(1, peerOpen(), keepalive).step({ input: "closed", connection: 1 });
    played.step({ input: "timer", timer: "idleHold" }).connected(2);
    expect(preserved(2)).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  it("the Restart State bit is sent until it was Established once (RFC 4724 §4.1)", () => {
    const played = new Played(
      sessionOptions({ restarting: true, gracefulRestart: { restartTimeSeconds: 15 } }),
    );
    const restarting = (id: number): unknown => {
      const [open] = played.sent(id);
      return (
        open?.type === "OPEN" &&
        open.capabilities.find(({ capability }) => capability === "gracefulRestart")
      );
    };
    played.step({ input: "start" }).connected(1);
    expect(restarting(1)).toMatchObject({
      restarting: true,
      families: [{ forwardingPreserved: true }, {}],
    });
    played
      .step({ input: "closed", connection: 1 })
      .step({ input: "timer", timer: "connectRetry" })
      .connected(2);
    expect(restarting(2)).toMatchObject({ restarting: true });
    played.receive(2, peerOpen(), keepalive).step({ input: "closed", connection: 2 });
    played.step({ input: "timer", timer: "idleHold" }).connected(3);
    // The session was lost, not the process: forwarding went on (RFC 8538 §4).
    expect(restarting(3)).toMatchObject({
      restarting: false,
      families: [{ forwardingPreserved: true }, {}],
    });
  });
});

describe("an OPEN that is refused", () => {
  it.each([
    [
      "another AS",
      peerOpen({ asn: 65001 }),
      "2/2",
      "as number mismatch expected 65000, received 65001",
    ],
    [
      "BGP Identifier zero",
      peerOpen({ bgpIdentifier: address("0.0.0.0") }),
      "2/3",
      "BGP Identifier 0.0.0.0",
    ],
    ["Hold Time 1", peerOpen({ holdTimeSeconds: 1 }), "2/6", "Hold Time 1 s"],
    ["Hold Time 2", peerOpen({ holdTimeSeconds: 2 }), "2/6", "Hold Time 2 s"],
  ])("%s", (_name, open, code, text) => {
    const played = new Played().step({ input: "start" }).connected(1).receive(1, open);
    expect(played.refused(1)).toBe(code);
    expect(played.logged()[0]).toContain(text);
    expect(played.session.lastError).toContain(text);
    expect(played.session.state).toBe("Idle");
    expect(played.timersSet()).toEqual({ idleHold: 250 });
    expect(played.all("down")).toEqual([]);
  });

  it("another version: data is ours", () => {
    const played = new Played().step({ input: "start" }).connected(1);
    played.receive(1, frame(1, "03 fde8 005a 0a000001 00"));
    expect(played.sent(1)).toEqual([
      { type: "NOTIFICATION", code: 2, subcode: 1, data: Uint8Array.of(0, 4) },
    ]);
  });

  it("no family in common: data is what is needed (RFC 5492 §3)", () => {
    const played = new Played(sessionOptions({ families: [ipv6] }))
      .step({ input: "start" })
      .connected(1);
    played.receive(1, peerOpen());
    expect(played.sent(1)).toEqual([
      { type: "NOTIFICATION", code: 2, subcode: 7, data: Uint8Array.of(1, 4, 0, 2, 0, 1) },
    ]);
  });

  it("our own BGP Identifier within the AS, but not across (RFC 6286)", () => {
    const same = { bgpIdentifier: address("10.0.2.2") };
    const internal = new Played(sessionOptions({ asn: 65010 }))
      .step({ input: "start" })
      .connected(1);
    expect(internal.receive(1, peerOpen({ ...same, asn: 65010 })).refused(1)).toBe("2/3");
    const external = new Played().step({ input: "start" }).connected(1).receive(1, peerOpen(same));
    expect(external.session.state).toBe("OpenConfirm");
  });
});

describe("an OPEN that is accepted", () => {
  it("of any AS where none is configured", () => {
    const played = new Played(sessionOptions({ asn: 0 })).establish(
      peerOpen({ asn: 4_200_000_001 }),
    );
    expect(played.session.negotiated).toMatchObject({ peerAsn: 4_200_000_001, internal: false });
    expect(
      new Played(sessionOptions({ asn: 0 })).establish(peerOpen({ asn: 65010 })).session.negotiated,
    ).toMatchObject({
      internal: true,
    });
    const zero = new Played(sessionOptions({ asn: 0 })).step({ input: "start" }).connected(1);
    expect(zero.receive(1, peerOpen({ asn: 0 })).refused(1)).toBe("2/2");
  });

  it.each([
    [9, 90, 9, 3],
    [90, 9, 9, 3],
    [90, 4, 4, 1],
    [0, 90, 0, 0],
    [90, 0, 0, 0],
  ])("Hold Time %i and %i give %i, keepalive %i", (ours, theirs, hold, alive) => {
    const played = new Played(sessionOptions({ holdTimeSeconds: ours, keepaliveTimeSeconds: 3 }));
    played
      .step({ input: "start" })
      .connected(1)
      .receive(1, peerOpen({ holdTimeSeconds: theirs }));
    const timers = hold === 0 ? {} : { "hold/1": hold * 1000, "keepalive/1": alive * 1000 };
    expect(played.timersSet()).toEqual(timers);
    // The large Hold Timer of OpenSent does not run on.
    const cleared = hold === 0 ? [{ do: "clearTimer", timer: "hold/1" }] : [];
    expect(played.all("clearTimer")).toEqual(cleared);
    played.receive(1, keepalive);
    expect(played.session.negotiated).toMatchObject({
      holdTimeSeconds: hold,
      keepaliveTimeSeconds: alive,
    });
    expect(played.timersSet()).toEqual(hold === 0 ? {} : { "hold/1": hold * 1000 });
  });

  it("without multiprotocol capability speaks IPv4 unicast (RFC 4760 §8)", () => {
    const played = new Played().establish(peerOpen({ capabilities: [] }));
    expect(played.session.negotiated).toMatchObject({
      families: [ipv4],
      codec: { fourOctetAs: false },
    });
  });

  it("settles what both sides have", () => {
    const options = sessionOptions({
      address: address("fd00::1"),
      gracefulRestart: { restartTimeSeconds: 15 },
    });
    const played = new Played(options).establish(
      peerOpen({
        extra: [
          { capability: "multiprotocol", family: ipv6 },
          { capability: "extendedMessage" },
          { capability: "enhancedRouteRefresh" },
          { capability: "extendedNextHop", entries: [{ family: ipv4, nextHopAfi: "ipv6" }] },
          { capability: "fqdn", hostname: "tor0", domain: "" },
          { capability: "softwareVersion", version: "FRR" },
          { ...graceful, notification: true },
        ],
      }),
    );
    expect(played.session.negotiated).toMatchObject({
      families: [ipv4, ipv6],
      codec: { extendedMessage: true },
      enhancedRouteRefresh: true,
      extendedNextHop: [ipv4],
      hostname: "tor0",
      softwareVersion: "FRR",
      gracefulRestart: { notification: true, restartTimeSeconds: 120 },
    });
    expect(played.logged()).toContain("established with AS 65000 (tor0), hold time 9 s");
  });

  it("routes are kept after NOTIFICATIONs where both sides said so (RFC 8538 §2)", () => {
    const isAgreed = (ours: boolean, notification: boolean) => {
      const options = sessionOptions({ gracefulRestart: { restartTimeSeconds: 15 } });
      const capabilities = options.capabilities.map((one) =>
        one.capability === "gracefulRestart" ? { ...one, notification: ours } : one,
      );
      const open = peerOpen({ extra: [{ ...graceful, notification }] });
      const { session } = new Played({ ...options, capabilities }).establish(open);
      return session.negotiated?.gracefulRestart?.notification;
    };
    const agreed = [isAgreed(true, true), isAgreed(true, false), isAgreed(false, true)];
    expect(agreed).toEqual([true, false, false]);
  });

  it("of several graceful restart capabilities the last counts (RFC 4724 §3)", () => {
    const options = sessionOptions({ gracefulRestart: { restartTimeSeconds: 15 } });
    const extra = [graceful, { ...graceful, restartTimeSeconds: 7, families: [] }];
    const played = new Played(options).establish(peerOpen({ extra }));
    expect(played.session.negotiated?.gracefulRestart).toMatchObject({
      restartTimeSeconds: 7,
      families: [],
    });
  });
});

describe("a message that the state has no use for (RFC 6608)", () => {
  const refresh: Message = { type: "ROUTE-REFRESH", family: ipv4, subtype: 0 };
  it.each([
    ["OpenSent", [], keepalive, 4],
    ["OpenSent", [], update, 2],
    ["OpenSent", [], refresh, 5],
    ["OpenConfirm", [peerOpen()], peerOpen(), 1],
    ["OpenConfirm", [peerOpen()], update, 2],
    ["OpenConfirm", [peerOpen()], refresh, 5],
    ["Established", [peerOpen(), keepalive], peerOpen(), 1],
  ] as const)("%s", (state, before, message, type) => {
    const played = new Played()
      .step({ input: "start" })
      .connected(1)
      .receive(1, ...before);
    expect(played.session.state).toBe(state);
    played.receive(1, message);
    const subcode = ["OpenSent", "OpenConfirm", "Established"].indexOf(state) + 1;
    expect(played.sent(1)).toEqual([
      { type: "NOTIFICATION", code: 5, subcode, data: Uint8Array.of(type) },
    ]);
    expect(played.session.state).toBe("Idle");
  });
});
