/** What the agent asks of its network namespace, and is told of it, by netlink. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inNetworkNamespace } from "../../src/sys/libc.ts";
import { dumpNetworkState } from "../../src/sys/network-dump.ts";
import { NetworkWatch } from "../../src/sys/network-watch.ts";

const namespace = `spinelab-state-${process.pid}`;
const path = `/run/netns/${namespace}`;
const ip = (...args: string[]) => execFileSync("ip", ["-n", namespace, ...args]);
const state = () => inNetworkNamespace(path, dumpNetworkState);

beforeAll(() => {
  execFileSync("ip", ["netns", "add", namespace]);
  ip("link", "set", "lo", "up");
  for (const [name, peer, n] of [
    ["eth0", "peer0", 0],
    ["eth1", "peer1", 1],
  ] as const) {
    ip(
      "link",
      "add",
      name,
      "address",
      `02:00:00:00:00:0${n}`,
      "type",
      "veth",
      "peer",
      "name",
      peer,
    );
    for (const each of [name, peer]) ip("link", "set", each, "up");
    ip("address", "add", `10.0.${n}.2/24`, "dev", name);
    ip("address", "add", `fd00:${n}::2/64`, "dev", name, "nodad");
  }
});
afterAll(() => void execFileSync("ip", ["netns", "delete", namespace]));

test("links with their state, MAC and addresses", () => {
  const eth0 = state().interfaces.find(({ name }) => name === "eth0")!;
  expect(eth0).toMatchObject({
    isUp: true,
    hasCarrier: true,
    operState: "up",
    mac: "02:00:00:00:00:00",
  });
  expect(eth0.addresses).toEqual(
    expect.arrayContaining([
      { address: "10.0.0.2", prefixLength: 24, isTentative: false },
      { address: "fd00::2", prefixLength: 64, isTentative: false },
    ]),
  );
  expect(state().interfaces[0]).toMatchObject({ name: "lo", operState: "unknown" });
});

test("default routes of both families with metric and gateway; no others", () => {
  ip("route", "add", "default", "via", "10.0.0.1", "metric", "200");
  ip("route", "add", "default", "via", "10.0.1.1", "metric", "100");
  ip("route", "add", "10.9.0.0/16", "via", "10.0.0.1");
  ip("-6", "route", "add", "default", "via", "fd00::1", "metric", "50");
  const index = (name: string) => state().interfaces.find((link) => link.name === name)!.index;
  expect(state().defaultRoutes).toEqual([
    {
      family: "ipv4",
      metric: 100,
      nextHops: [{ gateway: "10.0.1.1", interfaceIndex: index("eth1") }],
    },
    {
      family: "ipv4",
      metric: 200,
      nextHops: [{ gateway: "10.0.0.1", interfaceIndex: index("eth0") }],
    },
    {
      family: "ipv6",
      metric: 50,
      nextHops: [{ gateway: "fd00::1", interfaceIndex: index("eth0") }],
    },
  ]);
  const hops = ["nexthop", "via", "10.0.0.1", "nexthop", "via", "10.0.1.1"];
  ip("route", "replace", "default", "metric", "100", ...hops);
  const multipath = state().defaultRoutes.find(({ nextHops }) => nextHops.length === 2)!;
  expect(multipath.nextHops.map(({ gateway }) => gateway)).toEqual(["10.0.0.1", "10.0.1.1"]);
});

test("a default route and a link that change are told, without asking", async () => {
  let changes = 0;
  let heard: () => void = () => {};
  const watch = inNetworkNamespace(
    path,
    () =>
      new NetworkWatch(() => {
        changes++;
        heard();
      }),
  );
  try {
    for (const change of [
      ["route", "add", "default", "via", "10.0.0.1", "metric", "300"],
      ["link", "set", "eth1", "down"],
      ["link", "set", "eth1", "up"],
    ]) {
      const before = changes;
      const told = new Promise<void>((resolve) => {
        heard = () => changes > before && resolve();
      });
      ip(...change);
      await told;
    }
    expect(state().interfaces.find(({ name }) => name === "eth1")!.operState).toBe("up");
  } finally {
    watch.close();
  }
});
