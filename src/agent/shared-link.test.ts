import { expect, test } from "vitest";
import { address as parsed } from "../net/address.ts";
import type { NetworkInterface } from "../net/network-state.ts";
import { sharedLink, sharedSubnets } from "./shared-link.ts";

const link = (name: string, ...cidrs: string[]): NetworkInterface => ({
  ...{ index: 1, name, isUp: true, hasCarrier: true, operState: "up" },
  addresses: cidrs.map((cidr) => ({
    address: parsed(cidr.split("/")[0]!),
    prefixLength: Number(cidr.split("/")[1]),
    isTentative: false,
  })),
});

const interfaces = [
  link("lo", "::1/128", "2001:db8:ffff::1/128"),
  link("eth0", "10.0.0.1/24", "2001:db8:a::1/64", "fe80::a/64"),
  link("eth1", "fe80::b/64"),
];

const of = (localAddress: string, remoteAddress: string, name?: string) =>
  sharedLink(
    {
      localAddress: parsed(localAddress),
      remoteAddress: parsed(remoteAddress),
      interface: name,
    },
    interfaces,
  );

test("a neighbor on the same subnet gets the link-local address beside the global one", () => {
  expect(of("2001:db8:a::1", "2001:db8:a::2")).toEqual({
    address: "2001:db8:a::1",
    linkLocal: "fe80::a",
  });
});

test("one that is further away does not", () => {
  expect(of("2001:db8:a::1", "2001:db8:b::2")).toBeUndefined();
  expect(of("2001:db8:ffff::1", "2001:db8:b::2")).toBeUndefined();
});

test("between link-local addresses the link's global one stands first, if it has any", () => {
  expect(of("fe80::a", "fe80::2", "eth0")).toEqual({
    address: "2001:db8:a::1",
    linkLocal: "fe80::a",
  });
  expect(of("fe80::b", "fe80::2", "eth1")).toEqual({ address: "fe80::b", linkLocal: "fe80::b" });
});

test("an address that may be another host's is none of ours", () => {
  const [global, linkLocal] = link("eth0", "2001:db8:a::1/64", "fe80::a/64").addresses;
  const tentative = (at: typeof global) => ({ ...at!, isTentative: true });
  const onLink = (addresses: NetworkInterface["addresses"], local: string, name?: string) =>
    sharedLink(
      { localAddress: parsed(local), remoteAddress: parsed("2001:db8:a::2"), interface: name },
      [{ ...link("eth0"), addresses }],
    );
  expect(onLink([tentative(global), linkLocal!], "fe80::a", "eth0")?.address).toBe("fe80::a");
  expect(onLink([global!, tentative(linkLocal)], "2001:db8:a::1")).toBeUndefined();
});

test("IPv4 has no such thing", () => {
  expect(of("10.0.0.1", "10.0.0.2")).toBeUndefined();
});

test("the subnets of the link that the peer is on, and none where it is further away", () => {
  const links = [
    link("lo", "127.0.0.1/8", "10.8.0.1/16"),
    link("eth0", "10.0.0.1/24", "2001:db8:a::1/64", "10.0.1.1/25"),
    link("eth1", "10.0.3.1/24"),
  ];
  const subnets = (localAddress: string, remoteAddress: string) =>
    sharedSubnets(
      { localAddress: parsed(localAddress), remoteAddress: parsed(remoteAddress) },
      links,
    );
  expect(subnets("10.0.0.1", "10.0.0.2")).toEqual(["10.0.0.0/24", "10.0.1.0/25"]);
  expect(subnets("2001:db8:a::1", "2001:db8:a::2")).toEqual(["2001:db8:a::/64"]);
  expect(subnets("10.0.0.1", "10.0.3.2")).toBeUndefined();
  expect(subnets("10.8.0.1", "10.8.0.2")).toBeUndefined();
});
