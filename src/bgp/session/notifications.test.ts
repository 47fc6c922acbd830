// Every NOTIFICATION of the registries: what brings it about, or why it is never sent.
import { describe, expect, it, test } from "vitest";
import { address } from "../../net/address.ts";
import { message as frame } from "../wire/hex.testkit.ts";
import {
  CeaseSubcode,
  FsmSubcode,
  MessageHeaderSubcode,
  NotificationCode,
  OpenSubcode,
  RouteRefreshSubcode,
  UpdateSubcode,
} from "../wire/registry.ts";
import { ipv6, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

type Cause = string | ((played: Played) => Played);

const opening = (played: Played) => played.step({ input: "start" }).connected(1);
const inEstablished =
  (bytes: Uint8Array): Cause =>
  (played) =>
    played.establish().receive(1, bytes);
const withOpen =
  (open: Parameters<typeof peerOpen>[0]): Cause =>
  (played) =>
    opening(played).receive(1, peerOpen(open));
const told =
  (subcode: number): Cause =>
  (played) =>
    played.establish().step({ input: "stop", notification: { subcode } });

const revised = "RFC 7606 treats the routes as withdrawn, or discards the attribute";
const attributes = "4001010040020602010000fde84003040a000201";

const causes: Record<string, Cause> = {
  "1/1": inEstablished(new Uint8Array(19)),
  "1/2": inEstablished(frame(4, "00")),
  "1/3": inEstablished(frame(9, "")),
  "2/1": (played) => opening(played).receive(1, frame(1, "03fde8005a0a00000100")),
  "2/2": withOpen({ asn: 65001 }),
  "2/3": withOpen({ bgpIdentifier: address("0.0.0.0") }),
  "2/4": (played) => opening(played).receive(1, frame(1, "04fde8005a0a000001020100")),
  "2/6": withOpen({ holdTimeSeconds: 2 }),
  "2/7": withOpen({ capabilities: [{ capability: "multiprotocol", family: ipv6 }] }),
  "2/11": withOpen({ extra: [{ capability: "role", role: "peer" }] }),
  "3/1": inEstablished(frame(2, "00ff0000")),
  "3/2": inEstablished(frame(2, "0000000440630100")),
  "3/3": revised,
  "3/4": revised,
  "3/5": revised,
  "3/6": revised,
  "3/8": revised,
  // MP_UNREACH_NLRI of one octet.
  "3/9": inEstablished(frame(2, "00000004800f0100")),
  "3/10": inEstablished(frame(2, `00000014${attributes}210a00000000`)),
  "3/11": revised,
  "4/0": (played) => played.establish().step({ input: "timer", timer: "hold/1" }),
  "5/1": (played) => opening(played).receive(1, { type: "KEEPALIVE" }),
  "5/2": (played) => opening(played).receive(1, peerOpen()).receive(1, peerOpen()),
  // With DelayOpen the peer speaks first, and its OPEN comes before everything else.
  "5/0": (played) => opening(played).receive(1, { type: "KEEPALIVE" }),
  "5/3": (played) => played.establish().receive(1, peerOpen()),
  "6/1": told(CeaseSubcode.maximumPrefixes),
  "6/2": told(CeaseSubcode.administrativeShutdown),
  "6/3": told(CeaseSubcode.peerDeconfigured),
  "6/4": (played) => played.establish().step({ input: "reset" }),
  "6/5": (played) => played.accepted(1),
  "6/6": told(CeaseSubcode.otherConfigurationChange),
  // A second connection of the peer, while the session over the first is up.
  "6/7": (played) => played.establish().accepted(-1).receive(-1, peerOpen()),
  "6/8":
    "nothing is refused for want of resources: what bounds them are maximum-prefix and listen limits",
  "6/9": (played) =>
    played
      .establish(
        peerOpen({
          extra: [
            {
              capability: "gracefulRestart",
              restarting: false,
              notification: true,
              restartTimeSeconds: 120,
              families: [{ family: { afi: "ipv4", safi: "unicast" }, forwardingPreserved: false }],
            },
          ],
        }),
      )
      .step({
        input: "stop",
        notification: { subcode: CeaseSubcode.administrativeShutdown },
      }),
  "6/10": told(CeaseSubcode.bfdDown),
  "7/1": (played) => played.establish().receive(1, frame(5, "0001010100")),
  "8/0": "where bytes do not leave, this one would not either (RFC 9687 §4.3)",
};

/** Every code of the registries with its subcodes; those without any have 0. */
const registered = [
  ...[MessageHeaderSubcode, OpenSubcode, UpdateSubcode].flatMap((of, i) => codes(i + 1, of)),
  `${NotificationCode.holdTimerExpired}/0`,
  ...codes(NotificationCode.finiteStateMachine, FsmSubcode),
  ...codes(NotificationCode.cease, CeaseSubcode),
  ...codes(NotificationCode.routeRefresh, RouteRefreshSubcode),
  `${NotificationCode.sendHoldTimerExpired}/0`,
];

function codes(code: number, subcodes: Record<string, number>): string[] {
  return Object.values(subcodes).map((subcode) => `${code}/${subcode}`);
}

it("none is forgotten", () => {
  expect(Object.keys(causes).toSorted()).toEqual(registered.toSorted());
});

describe("is sent", () => {
  const sent = Object.entries(causes).flatMap(([code, cause]) =>
    typeof cause === "string" ? [] : [{ code, cause }],
  );
  it.each(sent)("$code", ({ code, cause }) => {
    const played = new Played(
      sessionOptions({
        role: { name: "provider" },
        ...(code === "5/0" && { delayOpenTimeSeconds: 5 }),
        ...(code === "6/9" && { gracefulRestart: { restartTimeSeconds: 15 } }),
        ...(code === "2/7" && { families: [{ afi: "ipv4", safi: "unicast" }] }),
      }),
    );
    const { effects } = cause(played);
    const connections = new Set(
      effects.flatMap((effect) => (effect.do === "send" ? [effect.connection] : [])),
    );
    expect([...connections].map((connection) => played.refused(connection))).toEqual([code]);
  });
});

test("what was wrong is cut where a NOTIFICATION of 4096 octets has no room for it", () => {
  const extended = peerOpen({ extra: [{ capability: "extendedMessage" }] });
  const length = 5000;
  const unknown = `5063${length.toString(16).padStart(4, "0")}${"ab".repeat(length)}`;
  const bytes = (length + 4).toString(16).padStart(4, "0");
  const played = new Played().establish(extended).receive(1, frame(2, `0000${bytes}${unknown}`));
  expect(played.refused(1)).toBe("3/2");
  expect(played.all("send").map((one) => one.bytes.length)).toEqual([4096]);
});
