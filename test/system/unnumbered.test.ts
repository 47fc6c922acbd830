import { expect, test } from "vitest";
import { type End, Link, type SpeakerProcess } from "./link.ts";
import { until } from "./spinelab.ts";

const speakerYaml = (end: End, rest = "") => `
localAsn: ${end === "a" ? 65001 : 65002}
routerId: ${end === "a" ? "1.1.1.1" : "2.2.2.2"}
listenPort: 179
ebgpRequiresPolicy: false
originate: [${end === "a" ? "10.1.0.0/24, 2001:db8:1::/48" : "10.2.0.0/24, 2001:db8:2::/48"}]
peers:
  - interface: eth1
    asn: external
    families: [ipv4/unicast, ipv6/unicast]
${rest}`;

const frrConfig = `
router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor eth1 interface remote-as external
 address-family ipv4 unicast
  network 10.2.0.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor eth1 activate
  network 2001:db8:2::/48
 exit-address-family
`;

async function upAndRouted(speaker: SpeakerProcess): Promise<void> {
  await until("the session is up, and a route of each family there", async () => {
    const { state, families } = await speaker.peer();
    const isUp = state === "Established" && families.every(({ accepted }) => accepted === 1);
    if (!isUp) throw new Error(JSON.stringify({ state, families }));
    return isUp;
  });
}

test("with FRR: routes of both families, both ways, over link-local addresses alone", async () => {
  await using link = new Link();
  const frr = await link.frr("b", ["bgpd"], frrConfig);
  const speaker = await link.speaker("a", speakerYaml("a"));
  await upAndRouted(speaker);
  expect(await speaker.peer()).toMatchObject({ address: link.linkLocal("b"), interface: "eth1" });
  const inKernel = (family: "-4" | "-6", prefix: string) =>
    until(`${prefix} is in FRR's kernel`, () => {
      const route = link.run("b", "ip", family, "route", "show", prefix);
      if (!route.includes(link.linkLocal("a"))) throw new Error(route);
      return route;
    });
  expect(await inKernel("-4", "10.1.0.0/24")).toContain("dev eth1 proto bgp");
  expect(await inKernel("-6", "2001:db8:1::/48")).toContain("dev eth1 proto bgp");
  expect(frr.json("show bgp ipv4 unicast summary")).toMatchObject({
    peers: { eth1: { state: "Established", idType: "interface" } },
  });
});

test("two speakers", async () => {
  await using link = new Link();
  const [a, b] = [
    await link.speaker("a", speakerYaml("a")),
    await link.speaker("b", speakerYaml("b")),
  ];
  for (const speaker of [a, b]) await upAndRouted(speaker);
  expect((await a.peer()).address).toBe(link.linkLocal("b"));
  expect((await b.peer()).address).toBe(link.linkLocal("a"));
});
