import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { encodeMessage } from "../wire/encode.ts";
import type { AfiSafi, Capability, Message } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import type { Effect, Input } from "./effect.ts";
import { Speaker } from "./speaker.ts";
import { configB } from "./two-speakers.testkit.ts";

/**
 * What the peer's OPENs have of restarts, route refresh and numbered paths; it may be changed before another OPEN.
 * `restarts`: undefined leaves the capability out.
 */
type Says = {
  restarts?: AfiSafi[];
  notification?: boolean;
  longLived?: AfiSafi[];
  /** Of these. */
  staleTimeSeconds?: number;
  longLivedPreserved?: boolean;
  /** `plain`: without BoRR and EoRR. */
  refreshes?: boolean | "plain";
  numbers?: boolean;
};

/**
 * A peer of a speaker that keeps its routes, with one route: it says what no speaker of ours would. `of`: what else the
 * speaker is configured with.
 */
export function scriptedPeer(
  says: Says,
  more: { stalePathTimeSeconds?: number } = {},
  of: Parameters<typeof configB>[0] = {},
) {
  const gracefulRestart = { restartTimeSeconds: 60, longLivedStaleTimeSeconds: 600, ...more };
  const options = { nowMs: 0, restarting: false, softwareVersion: "", random: () => 0.5 };
  const config = (peer: typeof of.peer) =>
    configB({ ...of, peer: { gracefulRestart, ...of.peer, ...peer } });
  const speaker = new Speaker(config({}), options);
  const timers = new Map<string, number>();
  const bmp: Uint8Array[] = [];
  const sent: Uint8Array[] = [];
  let connection = 0;
  const perform = (effects: Effect[]) => {
    for (const effect of effects) {
      if (effect.do === "setTimer") timers.set(effect.timer, effect.afterMs);
      else if (effect.do === "clearTimer") timers.delete(effect.timer);
      else if (effect.do === "bmp") bmp.push(effect.bytes);
      else if (effect.do === "send") sent.push(effect.bytes);
    }
  };
  const step = (input: Input) => perform(speaker.step(input, 0));
  const say = (message: Message) => {
    const numbered = says.numbers === true && { pathIdsOut: [ipv4Unicast] };
    const codec = { fourOctetAs: true, extendedMessage: false, ...numbered };
    for (const bytes of encodeMessage(message, codec)) {
      step({ input: "received", connection, bytes });
    }
  };
  const [localAddress, remoteAddress] = [address("10.0.0.2"), address("10.0.0.1")];
  const open = () => {
    connection--;
    step({ input: "accepted", connection, localAddress, remoteAddress });
    say({
      type: "OPEN",
      version: 4,
      asn: 65001,
      holdTimeSeconds: 90,
      bgpIdentifier: address("1.1.1.1"),
      capabilities: capabilitiesOf(says),
    });
    say({ type: "KEEPALIVE" });
  };
  perform(speaker.start(0));
  open();
  say({
    type: "UPDATE",
    withdrawn: [],
    attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
    announced: [
      {
        ...{ family: ipv4Unicast, nextHop: remoteAddress, prefixes: [prefix("10.1.0.0/16")] },
        ...(says.numbers === true && { pathIds: [0] }),
      },
    ],
  });
  return {
    speaker,
    timers,
    /** What BMP stations hear. */
    bmp,
    /** Messages, each by itself or several in one. */
    sent,
    say,
    /** The speaker's side of the session is another. */
    configure: (peer: typeof of.peer) => perform(speaker.configure(config(peer), 0)),
    withoutPeer: () => perform(speaker.configure({ ...config({}), peers: [] }, 0)),
    /** Another session; routes are sent by `say`. */
    open,
    reset: () => perform(speaker.reset({ peer: undefined, kind: "hard" }, 0).effects),
    close: () => step({ input: "closed", connection }),
    fire: (timer: string) => {
      if (!timers.delete(timer)) throw new Error(`${timer} does not run`);
      step({ input: "timer", timer });
    },
  };
}

function capabilitiesOf({
  restarts,
  notification = true,
  longLived,
  staleTimeSeconds = 600,
  longLivedPreserved = true,
  refreshes,
  numbers,
}: Says): Capability[] {
  const forwardingPreserved = true;
  const capabilities: Capability[] = [
    { capability: "multiprotocol", family: ipv4Unicast },
    { capability: "fourOctetAs", asn: 65001 },
  ];
  if (refreshes) {
    capabilities.push({ capability: "routeRefresh" });
    if (refreshes !== "plain") capabilities.push({ capability: "enhancedRouteRefresh" });
  }
  if (numbers) {
    const entries = [{ family: ipv4Unicast, send: true, receive: true }];
    capabilities.push({ capability: "addPath", entries });
  }
  if (restarts !== undefined) {
    const families = restarts.map((family) => ({ family, forwardingPreserved }));
    capabilities.push({
      capability: "gracefulRestart",
      ...{ restarting: false, notification, restartTimeSeconds: 60, families },
    });
  }
  if (longLived !== undefined) {
    const rest = { forwardingPreserved: longLivedPreserved, staleTimeSeconds };
    const families = longLived.map((family) => ({ family, ...rest }));
    capabilities.push({ capability: "longLivedGracefulRestart", families });
  }
  return capabilities;
}
