import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { exchange } from "../exchange.ts";
import { connect, run } from "../network.testkit.ts";
import { World } from "../world.ts";
import { iptables } from "./iptables.ts";

const [a, b] = [address("10.0.0.1"), address("10.0.0.2")];

function pair() {
  const world = new World(() => 0.5);
  connect(world, ["a:net0 b:net0"]);
  run(world, "a addr add 10.0.0.1/24 dev net0\nb addr add 10.0.0.2/24 dev net0");
  const node = world.network.node("b");
  const asked = (protocol: "icmp" | "udp" | "tcp", destinationPort: number) =>
    exchange(world, world.network.node("a"), {
      ...{ protocol, source: a!, destination: b! },
      ...(protocol !== "icmp" && { sourcePort: 40_000, destinationPort }),
    }).outcome;
  const filter = (rule: string) => iptables(node, "ipv4", rule.split(" "));
  return { node, asked, filter };
}

it("every packet passes the rules of every chain that it comes by", () => {
  const { asked, filter } = pair();
  const both = (rule: string, what: () => void) => {
    expect(filter(`-A ${rule}`)).toMatchObject({ exitCode: 0 });
    what();
    expect(filter(`-D ${rule}`)).toMatchObject({ exitCode: 0 });
    expect(asked("udp", 3784)).toBe("answered");
  };
  both("INPUT -j DROP", () => {
    expect([asked("icmp", 0), asked("udp", 3784), asked("tcp", 179)]).toEqual(
      Array(3).fill("silence"),
    );
  });
  both("INPUT -i net0 -p udp --dport 3784 -j REJECT", () => {
    expect([asked("udp", 3784), asked("udp", 4784)]).toEqual(["refused", "answered"]);
  });
  both("INPUT -i net1 -j DROP", () => expect(asked("icmp", 0)).toBe("answered"));
  both("OUTPUT -p tcp --sport 179 -d 10.0.0.1 -j DROP", () => {
    expect([asked("tcp", 179), asked("tcp", 80)]).toEqual(["silence", "answered"]);
  });
});

it.each([
  "-A INPUT -p tcp -m conntrack --ctstate NEW -j DROP",
  "-A INPUT --dport 179 -j DROP",
  "-A INPUT -p tcp -j LOG",
  "-I INPUT -p tcp -j DROP",
])("does not guess what '%s' does", (rule) => {
  expect(pair().filter(rule)).toBeUndefined();
});

it("IPv6: not what neighbor discovery would meet", () => {
  const { node } = pair();
  const filter = (rule: string) => iptables(node, "ipv6", rule.split(" "));
  expect(filter("-A INPUT -p tcp --dport 179 -j DROP")).toMatchObject({ exitCode: 0 });
  expect(filter("-A INPUT -j DROP")).toBeUndefined();
});

it("nor a rule that an agent's way to the API server would meet", () => {
  const { node } = pair();
  const ports = { sourcePort: 6443, destinationPort: 32_768 };
  const fromApi = {
    tuple: { protocol: "tcp", source: b!, destination: a!, ...ports } as const,
    device: "eth0",
  };
  const filter = (rule: string) => iptables(node, "ipv4", rule.split(" "), fromApi);
  for (const rule of [
    "INPUT -p tcp -j DROP",
    "INPUT -j DROP",
    "OUTPUT -p tcp --dport 6443 -j DROP",
  ])
    expect(filter(`-A ${rule}`)).toBeUndefined();
  for (const rule of ["INPUT -p tcp --dport 179 -j DROP", "INPUT -i net0 -j DROP"])
    expect(filter(`-A ${rule}`)).toMatchObject({ exitCode: 0 });
});
