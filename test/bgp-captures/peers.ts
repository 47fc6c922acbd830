// Who speaks with the daemon that is recorded, and what it is told: the same for every daemon.
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import type { Capability, OpenMessage, UpdateMessage } from "../../src/bgp/wire/message.ts";
import { ipv4Unicast, ipv6Unicast } from "../../src/bgp/wire/registry.ts";

/** The daemon: AS 65010 at 10.0.0.1 and fd00::1, its BGP Identifier 10.0.0.1. */
export const daemon = { asn: 65010, ipv4: "10.0.0.1", ipv6: "fd00::1" };

export type RecordedPeer = {
  name: string;
  /** Of the recorder's end. */
  address: string;
  asn: number;
  ipv6: boolean;
  /** The daemon reflects routes to and from it (RFC 4456). */
  client?: boolean;
  addPath?: boolean;
  extendedNextHop?: boolean;
  /** Closes a session that does not begin as it must; for those the daemon may use a short hold time. */
  error?: boolean;
};

const everyFamily: Capability[] = [
  { capability: "multiprotocol", family: ipv4Unicast },
  { capability: "multiprotocol", family: ipv6Unicast },
];

/** The recorder's OPEN, with what most peers say. */
export function openOf(
  { asn, address: of }: Pick<RecordedPeer, "asn" | "address">,
  { extra = [], ...rest }: Partial<OpenMessage> & { extra?: Capability[] } = {},
): OpenMessage {
  return {
    type: "OPEN",
    version: 4,
    asn,
    holdTimeSeconds: 90,
    // Each has its own: GoBGP passes no route on to whom it takes for the one it has it from.
    bgpIdentifier: address(of.includes(":") ? "10.0.9.99" : of.replace("10.0.0.", "10.0.9.")),
    capabilities: [
      ...everyFamily,
      { capability: "routeRefresh" },
      { capability: "enhancedRouteRefresh" },
      { capability: "extendedMessage" },
      { capability: "fourOctetAs", asn },
      {
        capability: "gracefulRestart",
        restarting: false,
        notification: true,
        restartTimeSeconds: 120,
        families: [
          { family: ipv4Unicast, forwardingPreserved: false },
          { family: ipv6Unicast, forwardingPreserved: false },
        ],
      },
      ...extra,
    ],
    ...rest,
  };
}

/** Peers whose routes the daemon passes on. */
export const feeders: (RecordedPeer & { updates: UpdateMessage[]; later: UpdateMessage[] })[] = [
  {
    name: "feeder",
    address: "10.0.0.5",
    asn: 65030,
    ipv6: true,
    updates: [
      announce("203.0.113.0/24", "10.0.0.5", attributesOf(65030)),
      announce("198.51.100.0/25", "10.0.0.5", {
        origin: "incomplete",
        asPath: [
          { kind: "sequence", asns: [65030] },
          { kind: "set", asns: [64500, 64501] },
        ],
      }),
      announce("192.0.2.0/24", "10.0.0.5", path(65030)),
      announce("2001:db8:1::/48", "fd00::5", attributesOf(65030)),
      announce("2001:db8:2::/47", "fd00::5", path(65030)),
    ],
    later: [withdraw("203.0.113.0/24"), withdraw("2001:db8:2::/47")],
  },
  {
    name: "second feeder",
    address: "10.0.0.6",
    asn: 65040,
    ipv6: true,
    updates: [announce("192.0.2.0/24", "10.0.0.6", path(65040))],
    later: [withdraw("192.0.2.0/24")],
  },
  {
    name: "internal feeder",
    address: "10.0.0.8",
    asn: daemon.asn,
    ipv6: true,
    client: true,
    updates: [
      announce("192.0.2.128/25", "10.0.0.8", {
        origin: "igp",
        asPath: [],
        localPref: 150,
        med: 20,
      }),
    ],
    later: [],
  },
];

/** Peers that the daemon's routes are recorded from, with what their OPEN says. */
export const receivers: (RecordedPeer & { open: OpenMessage })[] = [
  receiver({ name: "all capabilities", address: "10.0.0.2", asn: 65020, ipv6: true }),
  receiver(
    { name: "two-octet AS numbers", address: "10.0.0.3", asn: 65020, ipv6: true },
    { capabilities: everyFamily },
  ),
  receiver(
    { name: "add-path", address: "10.0.0.4", asn: 65020, ipv6: true, addPath: true },
    {
      extra: [
        {
          capability: "addPath",
          entries: [
            { family: ipv4Unicast, send: false, receive: true },
            { family: ipv6Unicast, send: false, receive: true },
          ],
        },
      ],
    },
  ),
  receiver({ name: "internal", address: "10.0.0.7", asn: daemon.asn, ipv6: true, client: true }),
  receiver(
    { name: "over IPv6", address: "fd00::2", asn: 65020, ipv6: true, extendedNextHop: true },
    {
      extra: [
        {
          capability: "extendedNextHop",
          entries: [{ family: ipv4Unicast, nextHopAfi: "ipv6" }],
        },
      ],
    },
  ),
];

function receiver(
  peer: RecordedPeer,
  open: Parameters<typeof openOf>[1] = {},
): RecordedPeer & { open: OpenMessage } {
  return { ...peer, open: openOf(peer, open) };
}

function path(asn: number): NonNullable<UpdateMessage["attributes"]> {
  return { origin: "igp", asPath: [{ kind: "sequence", asns: [asn] }] };
}

/** One of every kind that a route of another AS may have. */
function attributesOf(asn: number): NonNullable<UpdateMessage["attributes"]> {
  return {
    origin: "egp",
    asPath: [{ kind: "sequence", asns: [asn, 4200000001] }],
    med: 50,
    atomicAggregate: true,
    aggregator: { asn: 4200000001, address: address("10.0.0.5") },
    communities: [(65030 << 16) + 100, (65030 << 16) + 200].map((value) => value >>> 0),
    extendedCommunities: [
      // Route target 65030:5 and route origin 65030:6 (RFC 4360).
      Uint8Array.of(0, 2, 0xfe, 0x06, 0, 0, 0, 5),
      Uint8Array.of(0, 3, 0xfe, 0x06, 0, 0, 0, 6),
    ],
    largeCommunities: [
      [65030, 1, 2],
      [4200000001, 3, 4],
    ],
    unknown: [{ flags: 0xc0, code: 99, value: Uint8Array.of(1, 2, 3) }],
  };
}

function announce(
  of: string,
  nextHop: string,
  attributes: NonNullable<UpdateMessage["attributes"]>,
): UpdateMessage {
  const family = of.includes(":") ? ipv6Unicast : ipv4Unicast;
  const announced = [{ family, nextHop: address(nextHop), prefixes: [prefix(of)] }];
  return { type: "UPDATE", withdrawn: [], attributes, announced };
}

function withdraw(of: string): UpdateMessage {
  const family = of.includes(":") ? ipv6Unicast : ipv4Unicast;
  const withdrawn = [{ family, prefixes: [prefix(of)] }];
  return { type: "UPDATE", withdrawn, attributes: undefined, announced: [] };
}
