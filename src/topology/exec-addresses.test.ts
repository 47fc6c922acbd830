import { expect, test } from "vitest";
import { addressOfIpCommand } from "./exec-addresses.ts";

test.each([
  ["ip addr add 10.0.1.2/24 dev net0", "net0", "10.0.1.2", "10.0.1.0/24"],
  ["ip a a 10.0.0.1/32 dev lo", "lo", "10.0.0.1", "10.0.0.1/32"],
  ["ip address replace dev eth1 10.0.0.1", "eth1", "10.0.0.1", "10.0.0.1/32"],
  ["/sbin/ip -6 addr add fd00::1/64 dev eth1 nodad", "eth1", "fd00::1", "fd00::/64"],
  ["ip addr add local 10.0.0.1/31 peer 10.0.0.0 dev eth1", "eth1", "10.0.0.1", "10.0.0.0/31"],
])("%s", (command, name, address, subnet) => {
  expect(addressOfIpCommand(command.split(" "))).toEqual({ interface: name, address, subnet });
});

test.each([
  "ip route add 10.0.0.0/8 dev eth1",
  "ip addr del 10.0.0.1/32 dev lo",
  "ip addr show dev lo",
  "ip addr flush dev eth1",
  "ip link set eth1 up",
  "ip addr add 10.0.0.1/24",
  "echo addr add 10.0.0.1/24 dev eth1",
  "ip",
])("%s puts no address anywhere", (command) => {
  expect(addressOfIpCommand(command.split(" "))).toBeUndefined();
});
