import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { UpdateMessage } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import { peerConfig, speakerConfig, TestNet } from "./two-speakers.testkit.ts";

/** `bytes` of an unknown transitive attribute beside the prefix. */
function route(bytes: number): UpdateMessage {
  return {
    type: "UPDATE",
    withdrawn: [],
    attributes: {
      origin: "igp",
      asPath: [{ kind: "sequence", asns: [65001] }],
      unknown: [{ flags: 0xc0, code: 200, value: new Uint8Array(bytes) }],
    },
    announced: [
      { family: ipv4Unicast, nextHop: address("10.0.0.1"), prefixes: [prefix("10.1.1.1/32")] },
    ],
  };
}

it("a route that no message holds any more is withdrawn and told, and the session stays (RFC 8654 §4)", () => {
  const net = new TestNet();
  const a = net.add(
    speakerConfig({ routerId: "1.1.1.1", peers: [peerConfig({ address: "10.0.0.2" })] }),
    "10.0.0.1",
  );
  const peers = [peerConfig({ address: "10.0.0.1" }), peerConfig({ address: "10.0.0.3" })];
  const b = net.add(speakerConfig({ localAsn: 65002, routerId: "2.2.2.2", peers }), "10.0.0.2");
  const c = net.add(
    speakerConfig({
      localAsn: 65003,
      routerId: "3.3.3.3",
      peers: [peerConfig({ address: "10.0.0.2" })],
    }),
    "10.0.0.3",
  );
  net.settle();
  net.inject(a, route(65_479));
  net.run(10);
  expect(c.speaker.routesReceived()).toMatchObject([{ prefix: "10.1.1.1/32" }]);

  // It fills its message to the last byte: with one AS number more there is no room for the prefix.
  net.inject(a, route(65_483));
  net.run(10);
  expect(b.speaker.routesAvailable()).toMatchObject([{ prefix: "10.1.1.1/32", best: true }]);
  expect(c.speaker.routesReceived()).toEqual([]);
  expect(b.speaker.routesAdvertised("10.0.0.3")).toEqual([]);
  expect(b.logs.at(-1)).toBe(
    "error 10.0.0.3: routes not sent, 10.1.1.1/32: their path attributes are too long: no room in the message for a prefix",
  );
  expect(c.status().state).toBe("Established");

  net.inject(a, route(10));
  net.run(10);
  expect(c.speaker.routesReceived()).toMatchObject([{ prefix: "10.1.1.1/32" }]);
});
