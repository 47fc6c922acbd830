import { describe, expect, it } from "vitest";
import type { Prefix } from "../../net/prefix.ts";
import { ipv4Unicast, ipv6Unicast } from "../wire/registry.ts";
import type { PeerConfig } from "./config.ts";
import { peerConfig, speakerConfig, TestNet } from "./two-speakers.testkit.ts";

/** Two speakers over IPv6 with both families. */
function overIpv6(of: Partial<Omit<PeerConfig, "address">> = {}) {
  const net = new TestNet();
  const families = [ipv4Unicast, ipv6Unicast];
  const config = (i: number, originate: string[]) =>
    speakerConfig({
      localAsn: 65000 + i,
      routerId: `0.0.0.${i}`,
      originate,
      peers: [peerConfig({ address: `fd00::${3 - i}`, families, ...of })],
    });
  const a = net.add(config(1, ["10.1.0.0/16", "fd01::/32"]), "fd00::1");
  const b = net.add(config(2, []), "fd00::2");
  net.settle();
  return { net, a, b, without: config(1, []) };
}

describe("IPv4 routes with an IPv6 next hop (RFC 8950)", () => {
  it("are sent, used and withdrawn over an IPv6 session, beside the IPv6 ones", () => {
    const { net, a, b, without } = overIpv6();
    const expected = [
      { prefix: "10.1.0.0/16", nextHop: "fd00::1", best: true },
      { prefix: "fd01::/32", nextHop: "fd00::1", best: true },
    ];
    expect(b.speaker.routesReceived()).toMatchObject(expected);
    expect(a.updatesSent().filter(({ endOfRib }) => endOfRib !== undefined)).toHaveLength(2);
    net.configure(a, without);
    net.run(10);
    expect(b.speaker.routesReceived()).toEqual([]);
  });

  it("are not where the capability is not offered", () => {
    const { b } = overIpv6({ extendedNextHop: false });
    expect(b.speaker.routesReceived()).toMatchObject([{ prefix: "fd01::/32" }]);
  });

  it("go then with the IPv4 address that is to stand for us, where there is one", () => {
    const ipv4NextHop = peerConfig({ address: "192.0.2.1" }).address;
    const { b } = overIpv6({ extendedNextHop: false, ipv4NextHop });
    expect(b.speaker.routesReceived()).toMatchObject([
      { prefix: "10.1.0.0/16", nextHop: "192.0.2.1" },
      { prefix: "fd01::/32", nextHop: "fd00::1" },
    ]);
  });

  it("one that a policy gives an IPv4 next hop goes out with that", () => {
    const nextHop = peerConfig({ address: "192.0.2.1" }).address;
    const exportPolicy = [{ name: "s", action: "accept" as const, set: { nextHop } }];
    const { a, b } = overIpv6({ exportPolicy });
    // The IPv6 route cannot have it, and says so.
    expect(b.speaker.routesReceived()).toMatchObject([{ prefix: "10.1.0.0/16", nextHop }]);
    const fd01 = a.speaker.config.originate.find((own) => String(own).includes(":"));
    expect(a.speaker.explain(fd01 as Prefix).exports).toMatchObject([
      { withheld: "the peer does not take 192.0.2.1 as next hop" },
    ]);
  });
});
