import type { FamilyName } from "../rib/family.ts";
import { withJitter } from "../session/jitter.ts";
import type { PeerConfig } from "./config.ts";
import type { OwnTimer } from "./own-timers.ts";
import type { Receiver } from "./routes-out.ts";

/** One session's end of the way of routes out. */
export function receiverOf(peer: {
  config: () => PeerConfig;
  send: Receiver["send"];
  announced: Receiver["announced"];
  setTimer: (timer: OwnTimer, afterMs: number) => void;
  random: () => number;
  log: (level: "error", message: string) => void;
}): Receiver {
  return {
    peer: peer.config().name,
    send: peer.send,
    announced: (name: FamilyName, routes) => {
      if (routes > 0) peer.announced(name, routes);
    },
    startInterval: (name) => {
      const seconds = peer.config().advertisementIntervalSeconds ?? 0;
      peer.setTimer(`advertise/${name}`, withJitter(1000 * seconds, peer.random));
    },
    // RFC 8654 §4: routes whose attributes leave no room for a prefix.
    notSent: (reason, prefix) => {
      const which = `${prefix}: their path attributes are too long: ${reason}`;
      peer.log("error", `routes not sent, ${which}`);
    },
  };
}
