import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { encodeMessage } from "../wire/encode.ts";
import type { CodecOptions, Message } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import type { SpeakerConfig } from "./config.ts";
import { parseSpeakerConfig } from "./config-file.ts";
import type { Effect } from "./effect.ts";
import { Speaker } from "./speaker.ts";

const codec: CodecOptions = { fourOctetAs: true, extendedMessage: false };
const addressOf = (i: number) => address(`10.0.0.${i}`);
const accept = [{ name: "all", action: "accept" }];

/** Sessions with external peers 10.0.0.2 and up, all of one policy; connections are numbered like them. */
function establish(count: number): Speaker {
  const config = parseSpeakerConfig(
    {
      localAsn: 65001,
      routerId: "10.0.0.1",
      peers: Array.from({ length: count }, (_, i) => ({
        name: `p${i + 2}`,
        address: addressOf(i + 2),
        asn: 65000 + i + 2,
        passive: true,
        importPolicy: accept,
        exportPolicy: accept,
      })),
    },
    "host",
  ) as SpeakerConfig;
  const speaker = new Speaker(config, {
    nowMs: 0,
    restarting: false,
    softwareVersion: "test",
    random: () => 0.5,
    timeOriginMs: 0,
  });
  speaker.start(0);
  for (let i = 2; i < count + 2; i++) {
    const ends = { localAddress: addressOf(1), remoteAddress: addressOf(i) };
    speaker.step({ input: "accepted", connection: i, ...ends }, 0);
    receive(speaker, i, {
      type: "OPEN",
      version: 4,
      asn: 65000 + i,
      holdTimeSeconds: 90,
      bgpIdentifier: addressOf(i),
      capabilities: [
        { capability: "multiprotocol", family: ipv4Unicast },
        { capability: "fourOctetAs", asn: 65000 + i },
      ],
    });
    receive(speaker, i, { type: "KEEPALIVE" });
  }
  return speaker;
}

function receive(speaker: Speaker, connection: number, message: Message): Effect[] {
  return encodeMessage(message, codec).flatMap((bytes) =>
    speaker.step({ input: "received", connection, bytes }, 0),
  );
}

it("100 sessions with one policy are handed one and the same message", () => {
  const speaker = establish(101);
  const effects = receive(speaker, 2, {
    type: "UPDATE",
    withdrawn: [],
    attributes: {
      origin: "igp",
      asPath: [{ kind: "sequence", asns: [65002] }],
    },
    announced: [{ family: ipv4Unicast, nextHop: addressOf(2), prefixes: [prefix("10.1.0.0/16")] }],
  });
  const sends = effects.filter((effect) => effect.do === "send");
  expect(sends.map(({ connection }) => connection).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 3),
  );
  // The object, and not only its bytes.
  expect(new Set(sends.map(({ bytes }) => bytes)).size).toBe(1);
});
