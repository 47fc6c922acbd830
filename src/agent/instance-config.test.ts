import { expect, test } from "vitest";
import { configA, peerConfig } from "../bgp/speaker/two-speakers.testkit.ts";
import { bmpStation, instanceConfig } from "./instance-config.ts";

test("an instance that Cilium lets use no route uses and installs all; each has its own metric", () => {
  const config = configA({});
  const named = [{ name: "s", action: "accept" as const }];
  const peers = [
    peerConfig({ address: "10.0.0.2", importPolicy: "reject" }),
    peerConfig({ address: "10.0.0.3", importPolicy: named }),
  ];
  const both = { ...config, peers };
  const flags = { installRoutes: true, bmpStations: [] };
  const [first, second] = [0, 1].map((index) => instanceConfig(both, index, flags));
  expect(first!.peers.map(({ importPolicy }) => importPolicy)).toEqual(["accept", named]);
  expect(first!.installRoutes).toEqual({ table: 254, metric: 20 });
  expect(second!.installRoutes).toEqual({ table: 254, metric: 21 });
  expect(first!.maximumPaths?.external).toBeGreaterThan(1);
});

test("without a flag it is what Cilium's resources say; with --bmp stations are told", () => {
  const config = configA({});
  const flags = { installRoutes: false, bmpStations: [] };
  expect(instanceConfig(config, 0, flags)).toBe(config);
  const station = bmpStation("10.0.0.9:11019");
  expect(instanceConfig(config, 0, { ...flags, bmpStations: [station] }).bmp).toEqual({
    stations: [{ address: "10.0.0.9", port: 11019, minRetrySeconds: 30, maxRetrySeconds: 720 }],
    ribs: ["pre-policy"],
  });
  expect(bmpStation("[fd00::9]:5000")).toMatchObject({ address: "fd00::9", port: 5000 });
  for (const wrong of ["10.0.0.9", "10.0.0.9:0", "station:11019", "fd00::9:5000"]) {
    expect(() => bmpStation(wrong)).toThrow("expected ADDRESS:PORT");
  }
});
