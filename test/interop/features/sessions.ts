import { expectEqual } from "../expect.ts";
import { here, Pair, type PairOptions, there, until } from "../pair.ts";
import type { BgpDaemon } from "../daemons/daemon.ts";
import type { Group } from "../matrix.ts";

const prefixes = {
  ipv4: { ours: "10.10.0.0/24", theirs: "10.20.0.0/24" },
  ipv6: { ours: "fd10::/64", theirs: "fd20::/64" },
} as const;

/** A session comes up, and a route of each side is at the other with its next hop and AS path. */
async function sessionWithRoutes(kind: BgpDaemon, options: PairOptions): Promise<void> {
  const { over = "ipv4", families: [family] = [over] } = options;
  const { ours, theirs } = prefixes[family!];
  await using pair = await Pair.start(kind, {
    ...options,
    daemon: { routes: [{ prefix: theirs }] },
    speaker: { originate: [ours] },
  });
  await pair.established();
  await pair.exchanged({ ours, theirs });
  const received = (await pair.speaker.received()).find(({ prefix }) => prefix === theirs)!;
  const [seen] = await pair.daemon.paths(ours);
  expectEqual(
    "next hop and AS path at Spinelab",
    [received.nextHop, received.attributes.asPath],
    [there[over], [{ kind: "sequence", asns: [65020] }]],
  );
  expectEqual(
    "next hop and AS path at the daemon",
    [seen!.nextHop, seen!.asPath],
    [here[over], [65010]],
  );
}

/** Both families over link-local addresses alone, each side finding the other (RFC 8950, RFC 4861). */
async function unnumbered(kind: BgpDaemon): Promise<void> {
  const { ipv4, ipv6 } = prefixes;
  await using pair = await Pair.start(kind, {
    ...{ unnumbered: true, families: ["ipv4", "ipv6"] },
    daemon: { routes: [ipv4, ipv6].map(({ theirs }) => ({ prefix: theirs })) },
    speaker: { originate: [ipv4.ours, ipv6.ours] },
  });
  await pair.established();
  for (const { ours, theirs } of [ipv4, ipv6]) {
    await until(`the daemon has ${ours}`, async () => (await pair.daemon.paths(ours)).length > 0);
    await until(`Spinelab has ${theirs}`, async () =>
      (await pair.speaker.received()).some(
        ({ prefix, nextHop }) => prefix === theirs && nextHop?.startsWith("fe80:"),
      ),
    );
  }
}

export const sessions: Group = {
  title: "Sessions",
  rows: [
    {
      id: "ipv4",
      title: "IPv4 session, IPv4 routes both ways",
      check: (kind) => sessionWithRoutes(kind, {}),
    },
    {
      id: "ipv6",
      title: "IPv6 session, IPv6 routes both ways",
      check: (kind) => sessionWithRoutes(kind, { over: "ipv6" }),
    },
    {
      id: "ipv4-over-ipv6",
      title: "IPv4 routes with IPv6 next hops over an IPv6 session, both ways (RFC 8950)",
      check: (kind) =>
        sessionWithRoutes(kind, {
          ...{ over: "ipv6", families: ["ipv4"] },
          neighbor: { extendedNextHop: true },
        }),
    },
    {
      id: "unnumbered",
      title: "Unnumbered: found by router advertisements, routes of both families both ways",
      check: unnumbered,
    },
    {
      id: "daemon-calls",
      title: "Session that only the daemon opens",
      check: (kind) => sessionWithRoutes(kind, { peer: { passive: true } }),
    },
    {
      id: "spinelab-calls",
      title: "Session that only Spinelab opens",
      check: (kind) => sessionWithRoutes(kind, { neighbor: { passive: true } }),
    },
  ],
};
