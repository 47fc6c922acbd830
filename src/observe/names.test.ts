import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Fabric } from "../topology/fabric.ts";
import { Names } from "./names.ts";

const data = new URL("../../test/data/iproute2/", import.meta.url);
const nodes = ["router0", "router1", "tor0", "tor1"];
const ends = [
  ["router0", "net0", "tor0", "net0"],
  ["router1", "net0", "tor0", "net3"],
  ["router0", "net1", "tor1", "net0"],
] as const;
const fabric = {
  nodes: nodes.map((name) => ({ name })),
  links: ends.map(([a, aInterface, b, bInterface]) => ({
    endpoints: [
      { node: a, interface: aInterface },
      { node: b, interface: bInterface },
    ],
  })),
} as unknown as Fabric;

let broken: string[] = [];
const runtime = {
  exec: ({ node }: { node: string }) => {
    if (broken.includes(node)) {
      return Promise.resolve({ exitCode: 1, stdout: "", stderr: "gone", tookMs: 1 });
    }
    const stdout = readFileSync(new URL(`${node}-addr.json`, data), "utf8");
    return Promise.resolve({ exitCode: 0, stdout, stderr: "", tookMs: 1 });
  },
} as unknown as Runtime;

/** router0's address on its link to tor0: the one tor0 sees on net0. */
const router0OnLink = address("fe80::7474:5ff:fe2c:2499");

test("names", async () => {
  const names = new Names(runtime, fabric);
  await names.ready();
  expect(names.nodeOf(address("10.0.2.1"))).toBe("tor0");
  expect(names.nodeOf(address("127.0.0.1"))).toBeUndefined();
  expect(names.nodeOf(router0OnLink)).toBeUndefined();
  expect(names.loopbackOf("tor1")).toBe("10.0.0.2");
  expect(names.addressOfInterface("tor0", "net2")).toBe("10.0.2.1");
  expect(names.neighborAt("tor0", "net3")).toBe("router1");
});

test("link-local next hops: by interface, by address, and only on their own link", async () => {
  const names = new Names(runtime, fabric);
  await names.ready();
  const hop = { address: router0OnLink };
  expect(names.nodeOfNextHop("tor0", hop)).toBe("router0");
  expect(names.nodeOfNextHop("tor0", { ...hop, interface: "net0" })).toBe("router0");
  expect(names.nodeOfNextHop("tor1", hop)).toBeUndefined();
  // An address not read yet: the link says who it is.
  const fresh = { address: address("fe80::1"), interface: "net3" };
  expect(names.nodeOfNextHop("tor0", fresh)).toBe("router1");
});

test("a node that cannot be read keeps what was known; none at all is an error", async () => {
  const names = new Names(runtime, fabric);
  await names.ready();
  broken = ["tor0"];
  await names.refresh();
  expect(names.nodeOf(address("10.0.2.1"))).toBe("tor0");
  broken = nodes;
  await expect(names.refresh()).rejects.toThrow("gone");
  broken = [];
});
