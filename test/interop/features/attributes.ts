import type { PathAttributes } from "../../../src/bgp/wire/message.ts";
import type { BgpDaemon, Neighbor, OwnRoute, SeenPath } from "../daemons/daemon.ts";
import { expectEqual } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { here, ourAsn, Pair, type PairOptions, there, theirAsn } from "../pair.ts";
import { SpinelabSpeaker } from "../spinelab-speaker.ts";
import { capabilitiesOf } from "../wire-tap.ts";

const ours = "10.10.0.0/24";
const theirs = "10.20.0.0/24";

/** One route each way, with attributes; gives what each side has of the other's. */
async function exchange(
  kind: BgpDaemon,
  { set = {}, route = {}, ...options }: PairOptions & { set?: object; route?: Partial<OwnRoute> },
): Promise<{ atSpinelab: Readonly<PathAttributes>; atDaemon: SeenPath }> {
  const exportPolicy = [{ name: "all", action: "accept", set }];
  await using pair = await Pair.start(kind, {
    ...options,
    peer: { exportPolicy },
    daemon: { routes: [{ prefix: theirs, ...route }] },
    speaker: { originate: [ours] },
  });
  await pair.established();
  await pair.exchanged({ ours, theirs });
  const received = (await pair.speaker.received()).find(({ prefix }) => prefix === theirs)!;
  const [atDaemon] = await pair.daemon.paths(ours);
  return { atSpinelab: received.attributes, atDaemon: atDaemon! };
}

function asnsOf({ asPath = [] }: Readonly<PathAttributes>): number[] {
  return asPath.flatMap(({ asns }) => asns);
}

/** What an AS_PATH of more than 255 takes: two segments (RFC 4271 §5.1.2). */
const longPathOf = { first: 250, second: 55 };
const longPathLength = 306;

export const attributes: Group = {
  title: "Path attributes",
  rows: [
    {
      id: "communities",
      title: "Communities, well-known ones too, both ways (RFC 1997)",
      async check(kind) {
        const { atSpinelab, atDaemon } = await exchange(kind, {
          set: { communities: ["65010:1", "65010:65535", "no-export"] },
          route: { communities: ["65020:1", "65020:65535"] },
        });
        expectEqual("at Spinelab", atSpinelab.communities, [
          65020 * 65536 + 1,
          65020 * 65536 + 65535,
        ]);
        expectEqual("at the daemon", atDaemon.communities.toSorted(), [
          "65010:1",
          "65010:65535",
          "65535:65281",
        ]);
      },
    },
    {
      id: "large-communities",
      title: "Large communities both ways (RFC 8092)",
      async check(kind) {
        const { atSpinelab, atDaemon } = await exchange(kind, {
          set: { largeCommunities: ["65010:1:2", "4200000000:4294967295:0"] },
          route: { largeCommunities: ["65020:1:2", "4200000000:4294967295:0"] },
        });
        expectEqual("at Spinelab", atSpinelab.largeCommunities, [
          [65020, 1, 2],
          [4200000000, 4294967295, 0],
        ]);
        expectEqual("at the daemon", atDaemon.largeCommunities, [
          "65010:1:2",
          "4200000000:4294967295:0",
        ]);
      },
    },
    {
      id: "extended-communities",
      title: "Extended communities, of two- and four-octet AS numbers, both ways (RFC 4360, 5668)",
      async check(kind) {
        const { atSpinelab, atDaemon } = await exchange(kind, {
          set: { extendedCommunities: ["rt:65010:100", "rt:4200000000:7"] },
          route: { routeTargets: ["65020:100", "4200000000:7"] },
        });
        const hex = (atSpinelab.extendedCommunities ?? []).map(String);
        expectEqual("at Spinelab", hex, ["0002fdfc00000064", "0202fa56ea000007"]);
        expectEqual("at the daemon", atDaemon.extendedCommunities, [
          "rt:65010:100",
          "rt:4200000000:7",
        ]);
      },
    },
    {
      id: "four-octet-as",
      title: "AS numbers of four octets on both sides (RFC 6793)",
      async check(kind) {
        const asns = { ours: 4200000010, theirs: 4200000020 };
        const { atSpinelab, atDaemon } = await exchange(kind, { asns });
        expectEqual("at Spinelab", asnsOf(atSpinelab), [4200000020]);
        expectEqual("at the daemon", atDaemon.asPath, [4200000010]);
      },
    },
    {
      id: "as-trans",
      title: "A daemon of two octets is sent AS_TRANS for 4200000010, and AS4_PATH (RFC 6793)",
      check: asTrans,
    },
    {
      id: "long-path",
      title: `AS path of ${longPathLength} AS numbers, passed on both ways`,
      check: longPath,
    },
  ],
};

async function asTrans(kind: BgpDaemon): Promise<void> {
  await using pair = await Pair.start(kind, {
    asns: { ours: 4200000010, theirs: theirAsn },
    neighbor: { fourOctetAsn: false },
    daemon: { routes: [{ prefix: theirs }] },
    speaker: { originate: [ours] },
  });
  await pair.established();
  await pair.exchanged({ ours, theirs });
  const [open] = pair.sent("daemon", "OPEN");
  expectEqual("the daemon says that it knows four octets", capabilitiesOf(open!).has(65), false);
  const received = (await pair.speaker.received()).find(({ prefix }) => prefix === theirs)!;
  expectEqual("at Spinelab", asnsOf(received.attributes), [theirAsn]);
  const updates = pair.sent("speaker", "UPDATE").map(({ bytes }) => Buffer.from(bytes));
  // AS_PATH of one segment with 23456, AS4_PATH with 4200000010 (RFC 6793 §4.2.2).
  const sent = (hex: string) => updates.some((bytes) => bytes.includes(Buffer.from(hex, "hex")));
  expectEqual("AS_TRANS on the wire", sent("40020402015ba0"), true);
  expectEqual("AS4_PATH on the wire", sent("c011060201fa56ea0a"), true);
}

/** Two more speakers make the path that each side passes on to the other. */
async function longPath(kind: BgpDaemon): Promise<void> {
  const [first, second] = ["10.99.0.11", "10.99.0.12"];
  const feeder = { address: second, localAddress: there.ipv4, asn: 64702, families: ["ipv4"] };
  await using pair = await Pair.start(kind, {
    addresses: [`${first}/24`, `${second}/24`],
    speaker: { peers: [{ address: second, asn: 64702, passive: true }] },
    daemon: {
      neighbors: kind.passesOn ? [{ ...feeder, passive: true } as Neighbor] : [],
      routes: kind.passesOn ? [] : [{ prefix: theirs, prepends: longPathLength - 1 }],
    },
  });
  const prepending = (asPathPrepend: number) => [
    { name: "all", action: "accept", set: { asPathPrepend } },
  ];
  const common = { routerId: second, ebgpRequiresPolicy: false };
  await SpinelabSpeaker.start(
    pair.ours,
    {
      ...common,
      localAsn: 64702,
      listenPort: 1790,
      peers: [
        { address: first, localAddress: second, asn: 64701, passive: true },
        ...[here.ipv4, there.ipv4].map((address) => ({
          ...{ address, localAddress: second, asn: address === here.ipv4 ? ourAsn : theirAsn },
          exportPolicy: prepending(longPathOf.second - 1),
        })),
      ],
    },
    "second",
  );
  await SpinelabSpeaker.start(
    pair.ours,
    {
      ...{ ...common, routerId: first, localAsn: 64701, originate: [ours, theirs] },
      peers: [
        {
          ...{ address: second, localAddress: first, port: 1790, asn: 64702 },
          exportPolicy: prepending(longPathOf.first - 1),
        },
      ],
    },
    "first",
  );
  await pair.established();
  await pair.exchanged({ ours, theirs });
  const received = (await pair.speaker.received()).find(
    ({ prefix, peerAddress }) => prefix === theirs && peerAddress === there.ipv4,
  );
  const expected = (asn: number) => [
    asn,
    ...Array.from({ length: longPathOf.second }, () => 64702),
    ...Array.from({ length: longPathOf.first }, () => 64701),
  ];
  expectEqual(
    "at Spinelab",
    asnsOf(received!.attributes),
    kind.passesOn ? expected(theirAsn) : Array.from({ length: longPathLength }, () => theirAsn),
  );
  // Its next hop may be the speaker before ours, which is on the same subnet (RFC 4271 §5.1.3).
  const atDaemon = (await pair.daemon.paths(ours)).find(({ asPath }) => asPath[0] === ourAsn)!;
  const whole = expected(ourAsn);
  if (pair.daemon.hasAsPathLength === undefined) {
    expectEqual("at the daemon", atDaemon.asPath, whole);
  } else {
    const begin = atDaemon.asPath.filter(Number.isInteger);
    expectEqual("at the daemon, the beginning", begin, whole.slice(0, begin.length));
    const has = await pair.daemon.hasAsPathLength(ours, whole.length);
    expectEqual(`at the daemon, a length of ${whole.length}`, has, true);
  }
}
