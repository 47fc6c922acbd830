import { describe, expect, test } from "vitest";
import type { AdvertisedRoute, ReceivedRoute } from "../../src/bgp/speaker/views.ts";
import { type End, Link, type SpeakerProcess } from "./link.ts";
import { until } from "./spinelab.ts";

/** Peers named by their interface, with FRR and with one another: no address is configured anywhere. */
const speakerYaml = (end: End, rest = "") => `
localAsn: ${end === "a" ? 65001 : 65002}
routerId: ${end === "a" ? "1.1.1.1" : "2.2.2.2"}
listenPort: 179
ebgpRequiresPolicy: false
installRoutes: {}
originate: [${end === "a" ? "10.1.0.0/24, 2001:db8:1::/48" : "10.2.0.0/24, 2001:db8:2::/48"}]
peers:
  - interface: eth1
    asn: external
    families: [ipv4/unicast, ipv6/unicast]
${rest}`;

const frrConfig = (rest = "") => `
router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor eth1 interface remote-as external
 neighbor eth1 timers connect 1
${rest}
 address-family ipv4 unicast
  network 10.2.0.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor eth1 activate
  network 2001:db8:2::/48
 exit-address-family
`;

const prefixes = { a: ["10.1.0.0/24", "2001:db8:1::/48"], b: ["10.2.0.0/24", "2001:db8:2::/48"] };

/** The session is up, and the other end's routes are in this end's kernel, by its link-local address. */
async function upAndRouted(speaker: SpeakerProcess, link: Link, end: End): Promise<void> {
  const other = end === "a" ? "b" : "a";
  await until("the session is up", async () => {
    const peer = await speaker.peer();
    const isUp = peer.state === "Established" && peer.address === link.linkLocal(other);
    if (!isUp) throw new Error(JSON.stringify(peer));
    return isUp;
  });
  await inKernel(link, end);
}

async function inKernel(link: Link, end: End): Promise<void> {
  const other = end === "a" ? "b" : "a";
  for (const prefix of prefixes[other]) {
    const family = prefix.includes(":") ? "-6" : "-4";
    await until(`${prefix} is in the kernel of ${end}`, () => {
      const route = link.run(end, "ip", family, "route", "show", prefix);
      const via = `via ${family === "-4" ? "inet6 " : ""}${link.linkLocal(other)} dev eth1`;
      if (!route.includes(via)) throw new Error(`${route}, expected ${via}`);
      return true;
    });
  }
}

async function downAfter(speaker: SpeakerProcess, event: () => unknown): Promise<number> {
  await event();
  const sinceMs = performance.now();
  await until("the session is down", async () => (await speaker.peer()).state !== "Established");
  return performance.now() - sinceMs;
}

describe("with FRR", () => {
  async function upWithFrr(link: Link, frrRest = "", speakerRest = "") {
    const frr = await link.frr("b", ["bfdd", "bgpd"], frrConfig(frrRest));
    const speaker = await link.speaker("a", speakerYaml("a", speakerRest));
    await upAndRouted(speaker, link, "a");
    return { frr, speaker };
  }

  test("routes of both families, both ways, into both kernels", async () => {
    await using link = new Link();
    const { frr, speaker } = await upWithFrr(link);
    await inKernel(link, "b");
    expect(frr.json("show bgp ipv4 unicast summary")).toMatchObject({
      peers: { eth1: { state: "Established", idType: "interface" } },
    });
    // Without a global address on the link FRR sends its link-local one twice, and so do we (RFC 2545).
    const own = link.linkLocal("a");
    const shown = frr.vtysh("show bgp ipv6 unicast 2001:db8:1::/48");
    expect(shown.split(own).length - 1).toBeGreaterThanOrEqual(2);
    const received = (await speaker.ask({ get: "routes", kind: "received" })) as ReceivedRoute[];
    const nextHops = received.filter(({ best }) => best).map(({ nextHop }) => nextHop);
    expect(nextHops).toEqual([link.linkLocal("b"), link.linkLocal("b")]);
  });

  test("a global address of the link is the next hop, with the link-local one beside it", async () => {
    await using link = new Link();
    for (const [end, n] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      link.run(end, "ip", "addr", "add", `2001:db8:f::${n}/64`, "dev", "eth1", "nodad");
      // FRR advertises the prefix: a host would take a second address from it.
      link.run(end, "sysctl", "-qw", "net.ipv6.conf.eth1.accept_ra=0");
    }
    const { frr, speaker } = await upWithFrr(link);
    await inKernel(link, "b");
    const shown = frr.vtysh("show bgp ipv6 unicast 2001:db8:1::/48");
    expect(shown).toContain("2001:db8:f::1 from eth1");
    expect(shown).toContain(`(${link.linkLocal("a")}) (used)`);
    const sent = (await speaker.ask({ get: "routes", kind: "advertised" })) as AdvertisedRoute[];
    const own = sent.filter(({ prefix }) => prefixes.a.includes(prefix));
    expect(own.map(({ nextHop }) => nextHop)).toEqual(["2001:db8:f::1", "2001:db8:f::1"]);
  });

  test("the cable is pulled: the session and its routes go at once, and come back with it", async () => {
    await using link = new Link();
    const { speaker } = await upWithFrr(link);
    const tookMs = await downAfter(speaker, () =>
      link.run("b", "ip", "link", "set", "eth1", "down"),
    );
    // The hold time is 90 s.
    expect(tookMs).toBeLessThan(10_000);
    expect((await speaker.peer()).lastError).toBe("eth1 is down");
    await until("the routes are gone", () => !link.run("a", "ip", "route").includes("10.2.0.0"));
    link.run("b", "ip", "link", "set", "eth1", "up");
    await upAndRouted(speaker, link, "a");
  });

  // FRR's bgpd forgets a neighbor that it hears of in the first milliseconds of an interface, and says no word: what is
  // sent then can be the last that it hears. One cut in thirty met it.
  test("the cable is pulled over and over: it is let be when it is back, and the session returns each time", async () => {
    await using link = new Link();
    const { speaker } = await upWithFrr(link);
    const heard = link.net.spawn(
      ...["b", "tcpdump", "tcpdump", "-ttlni", "any", "-Q", "in"],
      "icmp6 and (ip6[40] == 133 or ip6[40] == 134)",
    );
    await until("tcpdump captures", () => heard.log.includes("listening on"));
    for (let cut = 0; cut < 4; cut++) {
      await downAfter(speaker, () => link.run("b", "ip", "link", "set", "eth1", "down"));
      const before = heard.log.length;
      const backMs = Date.now();
      link.run("b", "ip", "link", "set", "eth1", "up");
      await upAndRouted(speaker, link, "a");
      const said = () =>
        /^[\d.]+(?=.*router (?:solicitation|advertisement))/m.exec(heard.log.slice(before));
      const [first] = await until("tcpdump has told", () => said() ?? false);
      // A timer may be early by a millisecond.
      expect(Number(first) * 1000 - backMs).toBeGreaterThan(249);
    }
  });

  test("FRR is killed and started again", async () => {
    await using link = new Link();
    const { frr, speaker } = await upWithFrr(link);
    await downAfter(speaker, () => frr.kill("bgpd"));
    await frr.startDaemon("bgpd");
    frr.load();
    await upAndRouted(speaker, link, "a");
    expect((await speaker.peer()).lastDown).toMatch(/connection closed/);
  });

  test("FRR's link-local address changes", async () => {
    await using link = new Link();
    // Both sides keep the old session until its Hold Time is over.
    const { speaker } = await upWithFrr(link, " neighbor eth1 timers 3 9");
    const before = link.linkLocal("b");
    link.run("b", "ip", "addr", "add", "fe80::b0b/64", "dev", "eth1", "nodad");
    link.run("b", "ip", "addr", "del", `${before}/64`, "dev", "eth1");
    await until(
      "the session is with the new address",
      async () => {
        const peer = await speaker.peer();
        if (peer.address !== "fe80::b0b") throw new Error(JSON.stringify(peer));
        return peer.state === "Established";
      },
      60_000,
    );
    await upAndRouted(speaker, link, "a");
  });

  test("BFD between the link-local addresses", async () => {
    await using link = new Link();
    const bfd = "    bfd: {}\n    holdTimeSeconds: 180";
    const { frr, speaker } = await upWithFrr(link, " neighbor eth1 bfd", bfd);
    await until("BFD is up", async () => (await speaker.peer()).bfd?.state === "Up");
    expect(frr.json("show bfd peers")).toMatchObject([{ status: "up", interface: "eth1" }]);
    const tookMs = await downAfter(speaker, () => {
      for (const end of ["a", "b"] as const) link.blackHole(end);
    });
    // The hold time is 180 s.
    expect(tookMs).toBeLessThan(10_000);
    expect((await speaker.peer()).lastDown).toBe("BFD session down");
    for (const end of ["a", "b"] as const) link.mend(end);
    await upAndRouted(speaker, link, "a");
  });
});

describe("two speakers", () => {
  async function upPair(link: Link, rest = "") {
    const [a, b] = [
      await link.speaker("a", speakerYaml("a", rest)),
      await link.speaker("b", speakerYaml("b", rest)),
    ];
    await upAndRouted(a, link, "a");
    await upAndRouted(b, link, "b");
    return { a, b };
  }

  test("find each other, with a password; one is restarted", async () => {
    await using link = new Link();
    const { a, b } = await upPair(link, "    password: secret");
    await downAfter(a, () => b.end("SIGTERM"));
    await b.start();
    await upAndRouted(a, link, "a");
    await upAndRouted(b, link, "b");
    expect((await a.peer()).lastDown).toMatch(/Administrative Shutdown/);
  });

  test("one is killed and restarts gracefully: its routes stay in the other's kernel meanwhile", async () => {
    await using link = new Link();
    const { a, b } = await upPair(link, "    gracefulRestart: { restartTimeSeconds: 60 }");
    await downAfter(a, () => b.end("SIGKILL"));
    await inKernel(link, "a");
    const received = (await a.ask({ get: "routes", kind: "received" })) as ReceivedRoute[];
    expect(received.every(({ stale }) => stale)).toBe(true);
    await b.start();
    await upAndRouted(a, link, "a");
    await until("nothing is stale", async () => {
      const routes = (await a.ask({ get: "routes", kind: "received" })) as ReceivedRoute[];
      return routes.length > 0 && routes.every(({ stale }) => !stale);
    });
    await upAndRouted(b, link, "b");
  });

  test("an interface that is made later, and one that is there again", async () => {
    await using link = new Link();
    link.removeCable();
    const a = await link.speaker("a", speakerYaml("a"));
    await until("it is said", async () => (await a.peer()).lastError === "eth1 is down");
    const b = await link.speaker("b", speakerYaml("b"));
    for (const _ of ["first", "again"]) {
      link.addCable();
      await upAndRouted(a, link, "a");
      await upAndRouted(b, link, "b");
      await downAfter(a, () => link.removeCable());
    }
    expect((await a.peer()).lastError).toBe("eth1 is down");
  });
});
