import type { PeerStatus } from "../../bgp/speaker/views.ts";
import type { FrrRouter } from "./router.ts";

/** Of `show bgp ipv4 neighbors PEER graceful-restart`: what both sides are to each other, and the times. */
export function gracefulRestartText(router: FrrRouter, name: string, nowMs: number): string {
  const peers = router.host?.speaker.peers(nowMs) ?? [];
  const peer = peers.find((each) => each.name === name || each.address === name);
  if (peer === undefined) return `% No such neighbor\n`;
  const { gracefulRestart: received } = peer;
  const { gracefulRestart: isRestarting = false, gracefulRestartSeconds = 0 } =
    router.config.bgp ?? {};
  const bit = (isSet: boolean | undefined) => (isSet === true ? "True" : "False");
  return [
    `BGP neighbor on ${peer.name}: remote AS ${peer.asn}, local AS ${peer.localAsn}`,
    `  BGP state = ${peer.state}`,
    "",
    "  Neighbor GR capabilities and status",
    // As the instance has it, which the star says.
    `    Local GR Mode: ${isRestarting ? "Restart" : "Helper"}*`,
    "",
    `    Remote GR Mode: ${remoteMode(peer)}`,
    "",
    `    R bit: ${bit(received?.restarting)}`,
    `    N bit: ${bit(received?.notification)}`,
    "    Timers:",
    `      Configured Restart Time(sec): ${gracefulRestartSeconds}`,
    `      Received Restart Time(sec): ${received?.restartTimeSeconds ?? 0}`,
    "",
  ].join("\n");
}

/** By the capability: none, one without families, one with those that are kept (RFC 4724 §3). */
function remoteMode({ state, gracefulRestart: received }: PeerStatus): string {
  if (state !== "Established") return "NotApplicable";
  if (received === undefined) return "Disable";
  return received.families.length > 0 ? "Restart" : "Helper";
}
