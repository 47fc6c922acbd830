import { expect, test } from "vitest";
import { configA, peerConfig } from "../bgp/speaker/two-speakers.testkit.ts";
import { installing } from "./install-routes.ts";

test("an instance that Cilium lets use no route uses and installs all; each has its own metric", () => {
  const config = configA({});
  const named = [{ name: "s", action: "accept" as const }];
  const peers = [
    peerConfig({ address: "10.0.0.2", importPolicy: "reject" }),
    peerConfig({ address: "10.0.0.3", importPolicy: named }),
  ];
  const both = { ...config, peers };
  const [first, second] = [installing(both, 0), installing(both, 1)];
  expect(first.peers.map(({ importPolicy }) => importPolicy)).toEqual(["accept", named]);
  expect(first.installRoutes).toEqual({ table: 254, metric: 20 });
  expect(second.installRoutes).toEqual({ table: 254, metric: 21 });
  expect(first.maximumPaths?.external).toBeGreaterThan(1);
});
