import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { decodeRoute, encodeRouteRequest, type KernelRoute } from "./kernel-route.ts";
import { messages } from "./netlink.ts";

const route: KernelRoute = {
  prefix: prefix("10.1.2.0/24"),
  table: 254,
  protocol: 179,
  metric: 20,
  type: 1,
  hops: [{ gateway: address("10.9.0.2"), interfaceIndex: 7 }],
};

test("a request is as linux/rtnetlink.h lays it out", () => {
  const words = encodeRouteRequest({ change: "add", route }, 5)
    .toString("hex")
    .replaceAll(/(.{8})/g, "$1 ")
    .trim();
  expect(words).toBe(
    [
      // nlmsghdr: 68 bytes, RTM_NEWROUTE, request | create | excl, sequence, port.
      "44000000 18000106 05000000 00000000",
      // rtmsg: inet, /24, table main, protocol 179, scope universe, unicast.
      "02180000 feb30001 00000000",
      // RTA_DST, RTA_TABLE, RTA_PRIORITY, RTA_GATEWAY, RTA_OIF.
      "08000100 0a010200 08000f00 fe000000 08000600 14000000 08000500 0a090002 08000400 07000000",
    ].join(" "),
  );
});

test.each<KernelRoute>([
  route,
  { ...route, table: 1000 },
  { ...route, prefix: prefix("0.0.0.0/0") },
  {
    ...route,
    prefix: prefix("fd00:1::/32"),
    hops: [{ gateway: address("fd09::2"), interfaceIndex: 7 }],
  },
  // IPv4 over IPv6: RTA_VIA.
  { ...route, hops: [{ gateway: address("fe80::2"), interfaceIndex: 7 }] },
  {
    ...route,
    hops: [
      { gateway: address("10.9.0.2"), interfaceIndex: 7 },
      { gateway: address("fe80::2"), interfaceIndex: 8 },
      { interfaceIndex: 9 },
    ],
  },
])("what is written is what is read: $prefix in table $table", (of) => {
  const [message] = messages(encodeRouteRequest({ change: "replace", route: of }, 1));
  expect(decodeRoute(message!.body)).toEqual(of);
});

test("a deletion says whose route it is, and not over which links", () => {
  const [message] = messages(encodeRouteRequest({ change: "delete", route }, 1));
  expect(decodeRoute(message!.body)).toEqual({ ...route, type: 0, hops: [] });
  // RT_SCOPE_NOWHERE: whatever its scope.
  expect(message!.body[6]).toBe(255);
});

test("links that are down, entries of a cache, and routes of other families", () => {
  const [message] = messages(encodeRouteRequest({ change: "add", route }, 1));
  const { body } = message!;
  body.writeUInt32LE(16, 8);
  expect(decodeRoute(body)?.hops).toEqual([{ ...route.hops[0], isDown: true }]);
  body.writeUInt32LE(0x200, 8);
  expect(decodeRoute(body)).toBeUndefined();
  body.writeUInt32LE(0, 8);
  body[0] = 28;
  expect(decodeRoute(body)).toBeUndefined();
});
