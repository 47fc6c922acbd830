import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import type { KernelHop, KernelRoute } from "../sys/kernel-route.ts";
import { routesOver } from "./egress-interfaces.ts";

const route = (to: string, hops: KernelHop[], changes: Partial<KernelRoute> = {}): KernelRoute => ({
  ...{ prefix: prefix(to), table: 254, protocol: 179, metric: 20, type: 1, hops },
  ...changes,
});
const by = (interfaceIndex: number, gateway?: string): KernelHop => ({
  interfaceIndex,
  ...(gateway !== undefined && { gateway: address(gateway) }),
});

test("what leaves by an interface goes where the main table leads over it, else on the link", () => {
  const routes = [
    route("10.9.0.0/24", [by(3)]),
    route("198.51.100.0/24", [by(2, "10.0.0.1"), by(3, "10.9.0.1")]),
    route("198.51.100.0/25", [by(2, "10.0.0.1")]),
    route("203.0.113.0/24", [{ ...by(3, "10.9.0.1"), isDown: true }]),
    route("fd00:9::/64", [by(3, "fe80::1")]),
    route("10.9.0.2/32", [by(3)], { table: 255, type: 2 }),
    route("192.0.2.0/24", [by(3)], { table: 1000 }),
    route("10.1.1.0/24", [], { type: 7 }),
  ];
  const own = { table: 7, protocol: 4, type: 1 };
  expect(routesOver({ interfaceIndex: 3, table: 7 }, routes)).toEqual([
    { prefix: "10.9.0.0/24", metric: 20, hops: [by(3)], ...own },
    { prefix: "198.51.100.0/24", metric: 20, hops: [by(3, "10.9.0.1")], ...own },
    { prefix: "fd00:9::/64", metric: 20, hops: [by(3, "fe80::1")], ...own },
    { prefix: "0.0.0.0/0", metric: 4_294_967_294, hops: [by(3)], ...own },
  ]);
});
