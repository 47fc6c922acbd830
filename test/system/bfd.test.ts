import { describe, expect, test } from "vitest";
import { type End, Link, type SpeakerProcess } from "./link.ts";
import { until } from "./spinelab.ts";

/**
 * BFD (RFC 5880, RFC 5881) and what BGP makes of it (RFC 5882), between a speaker of its own and FRR's
 * bfdd, or another speaker. Both ends ask for 300 ms and a Detect Mult of 3.
 */
const detectionTimeMs = 900;
/**
 * Until a poll of the admin socket sees what happened, on a machine that does other things as well. The exact time is
 * held in virtual time (src/bfd); without BFD it would be the hold time, a minute and a half.
 */
const slackMs = 3_000;

const addresses = {
  ipv4: { a: "10.0.0.1", b: "10.0.0.2", length: 24 },
  ipv6: { a: "2001:db8::1", b: "2001:db8::2", length: 64 },
};
type Family = keyof typeof addresses;

function number(link: Link, family: Family): void {
  const { length, ...of } = addresses[family];
  for (const end of ["a", "b"] as const) {
    link.run(end, "ip", "addr", "add", `${of[end]}/${length}`, "dev", "eth1", "nodad");
  }
}

const speakerYaml = (end: End, family: Family, rest = "") => `
localAsn: ${end === "a" ? 65001 : 65002}
routerId: ${end === "a" ? "1.1.1.1" : "2.2.2.2"}
listenPort: 179
ebgpRequiresPolicy: false
originate: [${end === "a" ? "10.1.0.0/24, 2001:db8:1::/48" : "10.2.0.0/24, 2001:db8:2::/48"}]
peers:
  - address: ${addresses[family][end === "a" ? "b" : "a"]}
    asn: external
    families: [${family}/unicast]
    bfd: {}
${rest}`;

const frrConfig = (family: Family, rest = "") => `
router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${addresses[family].a} remote-as external
 neighbor ${addresses[family].a} bfd
 neighbor ${addresses[family].a} timers connect 1
${rest}
 address-family ${family} unicast
  neighbor ${addresses[family].a} activate
  network ${family === "ipv4" ? "10.2.0.0/24" : "2001:db8:2::/48"}
 exit-address-family
`;

async function upAndRouted(speaker: SpeakerProcess): Promise<void> {
  await until("BGP and BFD are up, and the route is there", async () => {
    const { state, bfd, families } = await speaker.peer();
    const isUp = state === "Established" && bfd?.state === "Up" && families[0]?.accepted === 1;
    if (!isUp) throw new Error(JSON.stringify({ state, bfd, families }));
    return isUp;
  });
}

/** How long after `event` the BGP session is down, in ms. */
async function downAfter(speaker: SpeakerProcess, event: () => unknown): Promise<number> {
  await event();
  const beganMs = performance.now();
  await until("the session is down", async () => (await speaker.peer()).state !== "Established");
  return performance.now() - beganMs;
}

describe.each(["ipv4", "ipv6"] as const)("with FRR, over %s", (family) => {
  test("a black hole ends the BGP session within the detection time, and both come back", async () => {
    await using link = new Link();
    number(link, family);
    const frr = await link.frr("b", ["bfdd", "bgpd"], frrConfig(family));
    const speaker = await link.speaker("a", speakerYaml("a", family));
    await upAndRouted(speaker);
    // Up comes first, with slow times; a Poll Sequence changes them (RFC 5880 §6.8.3).
    await until("both have each other's times", async () => {
      const { bfd } = await speaker.peer();
      const isSettled = bfd?.detectionTimeMs === detectionTimeMs && bfd.remoteState === "Up";
      if (!isSettled) throw new Error(JSON.stringify(bfd));
      return isSettled;
    });
    expect(frr.json("show bfd peers")).toMatchObject([{ status: "up", diagnostic: "ok" }]);

    const hole = () => (["a", "b"] as const).forEach((end) => link.blackHole(end));
    expect(await downAfter(speaker, hole)).toBeLessThan(detectionTimeMs + slackMs);
    expect(await speaker.peer()).toMatchObject({
      lastDown: "BFD session down",
      bfd: { state: "Down", diagnostic: "control detection time expired" },
    });
    expect(await speaker.ask({ get: "routes", kind: "received" })).toEqual([]);

    for (const end of ["a", "b"] as const) link.mend(end);
    await upAndRouted(speaker);
  });

  test("what came from further away is dropped: TTL 254 is as good as nothing", async () => {
    await using link = new Link();
    number(link, family);
    await link.frr("b", ["bfdd", "bgpd"], frrConfig(family));
    const speaker = await link.speaker("a", speakerYaml("a", family));
    const ttl = family === "ipv4" ? "ip ttl" : "ip6 hoplimit";
    await upAndRouted(speaker);
    // Rewritten to what it was, it still counts.
    link.rewrite("b", `udp dport 3784 ${ttl} set 255`);
    await heardFor(speaker, 2 * detectionTimeMs);
    link.mend("b");
    const rewrite = () => link.rewrite("b", `udp dport 3784 ${ttl} set 254`);
    expect(await downAfter(speaker, rewrite)).toBeLessThan(detectionTimeMs + slackMs);
    expect((await speaker.peer()).bfd?.diagnostic).toBe("control detection time expired");
    link.mend("b");
    await upAndRouted(speaker);
  });
});

/** The session stays as it is for so long. */
async function heardFor(speaker: SpeakerProcess, ms: number): Promise<void> {
  const before = (await speaker.peer()).bfd!.uptimeMs!;
  await until("time passes", async () => {
    const { bfd } = await speaker.peer();
    if (bfd?.state !== "Up") throw new Error("down");
    return bfd.uptimeMs! > before + ms;
  });
}

test("what is sent has TTL 255 and one source port from 49152 on (RFC 5881 §4, §5)", async () => {
  await using link = new Link();
  number(link, "ipv4");
  await link.frr("b", ["bfdd", "bgpd"], frrConfig("ipv4"));
  const speaker = await link.speaker("a", speakerYaml("a", "ipv4"));
  await upAndRouted(speaker);
  const filter = "udp dst port 3784 and src host 10.0.0.1";
  const lines = link.run("b", "tcpdump", "-nvc", "5", "-i", "eth1", filter);
  expect(lines.match(/ttl 255/g)).toHaveLength(5);
  const ports = Array.from(lines.matchAll(/10\.0\.0\.1\.(\d+) > /g), ([, port]) => Number(port));
  expect(new Set(ports).size).toBe(1);
  expect(ports[0]).toBeGreaterThanOrEqual(49152);
});

test("other times of FRR are taken up by a Poll Sequence, without a flap", async () => {
  await using link = new Link();
  number(link, "ipv4");
  const config = `bfd\n profile lab\n exit\nexit\n${frrConfig("ipv4", " neighbor 10.0.0.1 bfd profile lab")}`;
  const frr = await link.frr("b", ["bfdd", "bgpd"], config);
  const speaker = await link.speaker("a", speakerYaml("a", "ipv4"));
  await upAndRouted(speaker);
  const { uptimeMs } = (await speaker.peer()).bfd!;
  const times = ["detect-multiplier 5", "transmit-interval 400", "receive-interval 600"];
  frr.vtysh("configure terminal", "bfd", "profile lab", ...times);
  await until("they are in use", async () => {
    const { bfd } = await speaker.peer();
    return bfd?.detectionTimeMs === 2000 && bfd.transmitIntervalMs === 600;
  });
  const after = await speaker.peer();
  expect(after.bfd!.uptimeMs).toBeGreaterThan(uptimeMs!);
  expect(after).not.toHaveProperty("lastDown");
});

test("and FRR takes up ours, read at SIGHUP", async () => {
  await using link = new Link();
  number(link, "ipv4");
  const frr = await link.frr("b", ["bfdd", "bgpd"], frrConfig("ipv4"));
  const speaker = await link.speaker("a", speakerYaml("a", "ipv4"));
  await upAndRouted(speaker);
  const { establishedAtMs } = await speaker.peer();
  const times = "{ transmitIntervalMs: 100, receiveIntervalMs: 700, detectMultiplier: 6 }";
  speaker.reload(speakerYaml("a", "ipv4").replace("bfd: {}", `bfd: ${times}`));
  const ours = {
    "remote-transmit-interval": 100,
    "remote-receive-interval": 700,
    "remote-detect-multiplier": 6,
  };
  await until("FRR knows them", () => {
    const [peer] = frr.json("show bfd peers") as Record<string, unknown>[];
    if (peer?.["remote-receive-interval"] !== 700) throw new Error(JSON.stringify(peer));
    expect(peer).toMatchObject(ours);
    return true;
  });
  await heardFor(speaker, 2 * detectionTimeMs);
  expect((await speaker.peer()).establishedAtMs).toBe(establishedAtMs);
  expect((await speaker.peer()).bfd).toMatchObject({ detectionTimeMs: 2100 });
});

test("a peer that dies takes its session with it", async () => {
  await using link = new Link();
  number(link, "ipv4");
  const frr = await link.frr("b", ["bfdd", "bgpd"], frrConfig("ipv4"));
  const speaker = await link.speaker("a", speakerYaml("a", "ipv4"));
  await upAndRouted(speaker);
  const after = await downAfter(speaker, () => frr.kill("bfdd"));
  expect(after).toBeLessThan(detectionTimeMs + slackMs);
  expect((await speaker.peer()).lastDown).toBe("BFD session down");
});

test("two speakers", async () => {
  await using link = new Link();
  number(link, "ipv6");
  const [a, b] = [
    await link.speaker("a", speakerYaml("a", "ipv6")),
    await link.speaker("b", speakerYaml("b", "ipv6")),
  ];
  for (const speaker of [a, b]) await upAndRouted(speaker);
  const hole = () => (["a", "b"] as const).forEach((end) => link.blackHole(end));
  expect(await downAfter(a, hole)).toBeLessThan(detectionTimeMs + slackMs);
  await until("the other too", async () => (await b.peer()).state !== "Established");
  for (const end of ["a", "b"] as const) link.mend(end);
  for (const speaker of [a, b]) await upAndRouted(speaker);
  // One that ends on purpose says so: the other's BGP session ends by its own means.
  await b.end("SIGTERM");
  await until("the session is down", async () => (await a.peer()).state !== "Established");
  expect((await a.peer()).lastDown).not.toMatch(/BFD/);
});
