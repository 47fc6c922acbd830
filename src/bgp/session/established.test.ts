import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { encodeShutdownCommunication } from "../wire/cease.ts";
import { message as frame } from "../wire/hex.testkit.ts";
import type { Message, UpdateMessage } from "../wire/message.ts";
import { ipv4, ipv6, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

const keepalive: Message = { type: "KEEPALIVE" };
const update: UpdateMessage = {
  type: "UPDATE",
  withdrawn: [],
  attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65000] }] },
  announced: [{ family: ipv4, nextHop: address("10.0.2.1"), prefixes: [prefix("0.0.0.0/0")] }],
};

describe("in Established", () => {
  it("keeps alive and is kept alive", () => {
    const played = new Played().establish().step({ input: "timer", timer: "keepalive/1" });
    expect(played.sent(1)).toEqual([keepalive]);
    expect(played.timersSet()).toEqual({ "keepalive/1": 3_000 });
    expect(played.receive(1, update).timersSet()).toEqual({ "hold/1": 9_000 });
  });

  it("goes down when the Hold Timer expires", () => {
    const played = new Played().establish().step({ input: "timer", timer: "hold/1" });
    expect(played.refused(1)).toBe("4/0");
    expect(played.logged()).toContain("hold timer expired");
    expect(played.all("down")).toMatchObject([
      { reason: "holdTimerExpired", notification: { code: 4 }, graceful: false },
    ]);
    expect(played.session).toMatchObject({ state: "Idle", negotiated: undefined });
  });

  it("goes down when its bytes have not left for the Send Hold Time (RFC 9687)", () => {
    const played = new Played(sessionOptions({ holdTimeSeconds: 300 })).establish(
      peerOpen({ holdTimeSeconds: 300 }),
    );
    const unsent = (connection: number, forMs: number) =>
      played.step({ input: "unsent", connection, forMs }).session.state;
    // Eight minutes would do, but for the Hold Time: twice that is more.
    expect(unsent(1, 599_999)).toBe("Established");
    expect(unsent(-1, 600_000)).toBe("Established");
    expect(unsent(1, 600_000)).toBe("Idle");
    expect(played.sent(1)).toEqual([]);
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(played.all("down")).toMatchObject([{ reason: "sendHoldTimerExpired" }]);
    expect(played.logged()).toContain("send hold timer expired");

    const silent = new Played(sessionOptions({ holdTimeSeconds: 0 })).establish();
    silent.step({ input: "unsent", connection: 1, forMs: 10_000_000 });
    expect(silent.session.state).toBe("Established");
  });

  it.each([
    ["ours", 0, 90],
    ["the peer's", 90, 0],
  ])(
    "by %s with a Hold Time of 0 nothing is sent or awaited any more (RFC 4271 §4.4)",
    (_, own, its) => {
      const played = new Played(sessionOptions({ holdTimeSeconds: own }))
        .step({ input: "start" })
        .connected(1)
        .receive(1, peerOpen({ holdTimeSeconds: its }));
      // The one KEEPALIVE that confirms the OPEN.
      expect(played.sent(1)).toEqual([{ type: "KEEPALIVE" }]);
      expect(played.effects).toContainEqual({ do: "clearTimer", timer: "hold/1" });
      expect(played.timersSet()).toEqual({});
      played.receive(1, { type: "KEEPALIVE" }).receive(1, update, { type: "KEEPALIVE" });
      expect(played.session.negotiated).toMatchObject({
        holdTimeSeconds: 0,
        keepaliveTimeSeconds: 0,
      });
      expect(played.timersSet()).toEqual({});
    },
  );

  it("goes down on NOTIFICATION and tells the peer's words", () => {
    const data = encodeShutdownCommunication("bye");
    const played = new Played()
      .establish()
      .receive(1, { type: "NOTIFICATION", code: 6, subcode: 2, data });
    expect(played.all("down")).toMatchObject([
      { reason: "notificationReceived", notification: { code: 6, subcode: 2 } },
    ]);
    expect(played.logged()).toContain('received NOTIFICATION Cease/Administrative Shutdown "bye"');
    expect(played.sent(1)).toEqual([]);
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
  });

  it("goes down on an UPDATE that ends the session, and reads nothing after it", () => {
    const played = new Played().establish().receive(1, frame(2, "00ff 0000"), update);
    expect(played.refused(1)).toBe("3/1");
    expect(played.all("update")).toEqual([]);
    expect(played.all("down")).toMatchObject([{ reason: "notificationSent" }]);
  });

  it("goes down on bytes that are no BGP", () => {
    const played = new Played()
      .establish()
      .receive(1, new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n"));
    expect(played.refused(1)).toBe("1/1");
  });

  it("survives an UPDATE that RFC 7606 lets it survive", () => {
    const played = new Played().establish().receive(1, frame(2, "0000 0004 40 01 01 00 18 0a0101"));
    expect(played.session.state).toBe("Established");
    expect(played.updates()).toMatchObject([
      {
        message: { withdrawn: [{ prefixes: ["10.1.1.0/24"] }] },
        problems: [{ attribute: "AS_PATH" }, { attribute: "NEXT_HOP" }],
      },
    ]);
    expect(played.logged()).toContain("UPDATE: AS_PATH: missing: treatAsWithdraw");
  });

  it("ignores families that were not negotiated", () => {
    const nextHop = address("fd00::1");
    const prefixes = [prefix("fd00::/16")];
    const announced = [{ family: ipv6, nextHop, prefixes }];
    const played = new Played().establish().receive(1, { ...update, announced });
    expect(played.updates()).toEqual([
      {
        message: { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [] },
        problems: [],
      },
    ]);
  });

  it("passes on a ROUTE-REFRESH that was negotiated, and ignores others", () => {
    const played = new Played().establish();
    const refresh = (family: typeof ipv4, subtype: number): unknown =>
      played.receive(1, { type: "ROUTE-REFRESH", family, subtype }).all("routeRefresh");
    expect(refresh(ipv4, 0)).toEqual([{ do: "routeRefresh", family: ipv4, subtype: 0 }]);
    expect(refresh(ipv6, 0)).toEqual([]);
    expect(refresh(ipv4, 1)).toEqual([]);
    expect(played.receive(1, frame(5, "0019 00 46")).all("routeRefresh")).toEqual([]);
    expect(played.session.state).toBe("Established");
  });
});
