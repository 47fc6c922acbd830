import { families } from "../bgp/rib/family.ts";
import type { PolicyStatement, SpeakerConfig } from "../bgp/speaker/config.ts";
import { Speaker } from "../bgp/speaker/speaker.ts";
import type { ConnectionId, Input } from "../bgp/speaker/effect.ts";
import { type Address, address } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";

const ends: readonly [Address, Address] = [address("192.0.2.1"), address("192.0.2.2")];
const connections: readonly [ConnectionId, ConnectionId] = [1, -1];

/**
 * Two speakers that have nothing but each other, from their start to a route: while the file of the real one is read,
 * what it is going to run is compiled. Returns them.
 */
export function rehearse(): Speaker[] {
  const speakers = [speakerOf(0), speakerOf(1)];
  const sent: { to: number; bytes: Uint8Array }[] = [];
  const step = (side: number, input: Input): void => {
    for (const effect of speakers[side]!.step(input, 0)) {
      if (effect.do === "send") sent.push({ to: 1 - side, bytes: effect.bytes });
    }
  };
  for (const speaker of speakers) speaker.start(0);
  const [here, there] = ends;
  for (const [side, input] of ["connected", "accepted"].entries()) {
    const [localAddress, remoteAddress] = side === 0 ? [here, there] : [there, here];
    const connection = connections[side]!;
    step(side, { input, connection, localAddress, remoteAddress } as Input);
  }
  // It grows on the way, until neither has anything to say.
  for (const { to, bytes } of sent) {
    step(to, { input: "received", connection: connections[to]!, bytes });
  }
  return speakers;
}

function speakerOf(side: number): Speaker {
  const policy: PolicyStatement[] = [{ name: "all", action: "accept" }];
  const config: SpeakerConfig = {
    localAsn: 64496 + side,
    routerId: ends[side]!,
    hostname: "",
    originate: [parsePrefix("198.51.100.0/24")!],
    peers: [
      {
        name: "other",
        address: ends[1 - side]!,
        asn: 64497 - side,
        port: 179,
        passive: side === 1,
        holdTimeSeconds: 90,
        keepaliveTimeSeconds: 30,
        connectRetryTimeSeconds: 10,
        families: [families["ipv4/unicast"]],
        importPolicy: policy,
        exportPolicy: policy,
      },
    ],
  };
  const options = {
    nowMs: 0,
    restarting: true,
    softwareVersion: "",
    random: Math.random,
    timeOriginMs: 0,
  };
  return new Speaker(config, options);
}
