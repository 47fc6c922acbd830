// What the five daemons sent (make record-bgp), decoded: the routes must be what they were told, by
// peers.ts, and the rest what their configuration in daemons.ts says. And encoded again.
import { describe, expect, it } from "vitest";
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { encodeMessage } from "../../src/bgp/wire/encode.ts";
import type {
  CodecOptions,
  Message,
  OpenMessage,
  PathAttributes,
  UpdateMessage,
} from "../../src/bgp/wire/message.ts";
import { ipv4Unicast, ipv6Unicast, notificationName } from "../../src/bgp/wire/registry.ts";
import { daemon as told, feeders } from "./peers.ts";
import { capabilitiesOf, notificationsOf } from "./recorded.expected.ts";
import { type Recording, recordings } from "./recordings.ts";

type Session = Recording["sessions"][number];
type Route = { prefix: string; attributes: PathAttributes; pathId: boolean };

const all = recordings();
const isOf = (name: string) => (of: Session) => of.name === name;

function codecOf({ name, peer }: Session): CodecOptions {
  const families = [ipv4Unicast, ipv6Unicast];
  return {
    fourOctetAs: name !== "two-octet AS numbers",
    extendedMessage: true,
    external: peer.asn !== told.asn,
    ...(name === "add-path" && { pathIdsIn: families, pathIdsOut: families }),
  };
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** Read without a complaint, in order. */
function decoded(of: Session, when?: string): Message[] {
  return of.messages
    .filter((one) => when === undefined || one.when === when)
    .map(({ hex }) => {
      const { message, problems } = decodeMessage(bytesOf(hex), codecOf(of));
      expect(problems).toEqual([]);
      return message;
    });
}

function session(of: Recording, name: string): Session {
  return of.sessions.find(isOf(name))!;
}

const isUpdate = (message: Message): message is UpdateMessage => message.type === "UPDATE";

function announced(messages: Message[]): Route[] {
  return messages
    .filter(isUpdate)
    .flatMap(({ announced: items, attributes }) =>
      items.flatMap(({ prefixes, pathIds }) =>
        prefixes.map((prefix) => ({
          prefix,
          attributes: attributes!,
          pathId: pathIds !== undefined,
        })),
      ),
    )
    .sort(byPrefix);
}

function byPrefix(a: Route, b: Route): number {
  const key = ({ prefix, attributes: { asPath } }: Route) => `${prefix} ${JSON.stringify(asPath)}`;
  return key(a) < key(b) ? -1 : 1;
}

/** What the feeders told, as a speaker passes it on: RFC 4271 §5. */
function passedOn({ daemon }: Recording, { name, peer }: Session): Route[] {
  const isInternal = peer.asn === told.asn;
  const routes = feeders.flatMap(({ name: feeder, asn, updates }) =>
    updates.flatMap(({ announced: items, attributes }) =>
      items.flatMap(({ prefixes }) =>
        prefixes.map((prefix) => {
          const { med, localPref, ...given } = structuredClone(attributes!);
          const rest: PathAttributes = given;
          // ExaBGP's configuration has no AS_SET.
          if (daemon === "exabgp") rest.asPath = rest.asPath.filter(({ kind }) => kind !== "set");
          if (!isInternal) prepend(rest);
          const route: Route = { prefix, attributes: rest, pathId: name === "add-path" };
          if (isInternal) {
            rest.localPref = localPref ?? 100;
            if (med !== undefined) rest.med = med;
            // GoBGP and OpenBGPD write ORIGINATOR_ID for routes of external peers too.
            const isReflected = asn === told.asn || daemon === "gobgp" || daemon === "openbgpd";
            if (isReflected) {
              const external = daemon === "gobgp" ? "10.0.9.5" : "10.0.0.1";
              Object.assign(rest, {
                originatorId: feeder === "internal feeder" ? "10.0.9.8" : external,
                clusterList: ["10.0.0.1"],
              });
            }
          }
          // GoBGP does not set the Partial bit (RFC 4271 §5), the others do.
          if (daemon !== "gobgp") for (const one of rest.unknown ?? []) one.flags |= 0x20;
          return { ...route, feeder };
        }),
      ),
    ),
  );
  return routes
    .filter(({ feeder }) => {
      // The second path to one prefix is told to who takes several.
      if (feeder === "second feeder") return name === "add-path";
      // ExaBGP passes nothing on: its configuration has the internal feeder's route for internal peers.
      return isInternal || daemon !== "exabgp" || feeder !== "internal feeder";
    })
    .map(({ feeder: _, ...route }) => route)
    .sort(byPrefix);
}

function prepend({ asPath }: PathAttributes): void {
  if (asPath[0]?.kind === "sequence") asPath[0].asns.unshift(told.asn);
  else asPath.unshift({ kind: "sequence", asns: [told.asn] });
}

describe.each(all)("$daemon $version", (recording) => {
  it.each(["all capabilities", "two-octet AS numbers", "add-path", "internal", "over IPv6"])(
    "sends its routes to the peer with %s",
    (name) => {
      const of = session(recording, name);
      const routes = announced(decoded(of, "begins"));
      for (const { attributes } of routes) {
        // To a peer in the role of a customer BIRD and OpenBGPD mark them (RFC 9234 §5).
        const { onlyToCustomer } = attributes;
        expect(onlyToCustomer ?? told.asn).toBe(told.asn);
        delete attributes.onlyToCustomer;
      }
      const unique = [...new Map(routes.map((route) => [JSON.stringify(route), route])).values()];
      expect(unique).toEqual(passedOn(recording, of));
    },
  );
});

it.each(all)("$daemon withdraws what it was told to", (recording) => {
  const withdrawn = decoded(session(recording, "internal"), "routes withdrawn")
    .filter(isUpdate)
    .flatMap((update) => update.withdrawn.flatMap(({ prefixes }) => prefixes));
  expect([...new Set(withdrawn)].sort()).toEqual(["2001:db8:2::/47", "203.0.113.0/24"]);
});

it.each(all)("$daemon ends its first routes with End-of-RIB", (recording) => {
  const ends = decoded(session(recording, "all capabilities"), "begins")
    .filter(isUpdate)
    .flatMap(({ endOfRib }) => endOfRib ?? []);
  expect(ends.map(({ afi }) => afi).sort()).toEqual(["ipv4", "ipv6"]);
});

describe("OPEN", () => {
  const say = (recording: Recording, name: string): string[] => {
    const [open] = decoded(session(recording, name), "begins") as [OpenMessage];
    const { type, version, asn, bgpIdentifier } = open;
    expect({ type, version, asn, bgpIdentifier }).toEqual({
      type: "OPEN",
      version: 4,
      asn: told.asn,
      bgpIdentifier: told.ipv4,
    });
    return open.capabilities
      .map(({ capability, ...of }) => `${capability} ${text(of)}`.trim())
      .toSorted();
  };
  it.each(all.map((recording) => ({ recording, name: recording.daemon })))(
    "of $name",
    ({ recording, name }) => {
      if (process.env["SHOW"])
        console.log(
          "CAP",
          name,
          JSON.stringify(say(recording, "all capabilities")),
          say(recording, "over IPv6").join("|"),
        );
      expect(say(recording, "all capabilities")).toEqual(capabilitiesOf[name]);
      // OpenBGPD 7.7 has none.
      const nextHop = name === "openbgpd" ? [] : ["extendedNextHop ipv4 over ipv6"];
      expect(say(recording, "over IPv6").filter((one) => one.startsWith("extended"))).toEqual(
        expect.arrayContaining(nextHop),
      );
      expect(say(recording, "add-path").join()).toMatch(/addPath ipv4/);
    },
  );
});

/** Without quotes, families by their name. */
function text(of: object): string {
  const short = JSON.stringify(of, (_key, value: unknown) =>
    value instanceof Uint8Array
      ? Buffer.from(value).toString("hex")
      : typeof value === "object" && value !== null && "afi" in value
        ? value.afi
        : value,
  );
  return short
    .replaceAll(/"(?:entries|families|family)":/g, "")
    .replaceAll(/["{}[\]]/g, "")
    .replace(/"?nextHopAfi"?:/, "over ")
    .replaceAll(/[:,]/g, " ")
    .replaceAll(/ +/g, " ")
    .trim();
}

describe("NOTIFICATION", () => {
  it.each(all.map((recording) => ({ recording, name: recording.daemon })))(
    "of $name",
    ({ recording, name }) => {
      const said = recording.sessions.flatMap((of) =>
        of.messages
          .filter(({ when }) => when === "refused" || when.startsWith("told to"))
          .flatMap(({ when, hex }) => {
            const { message } = decodeMessage(bytesOf(hex), codecOf(of));
            if (message.type !== "NOTIFICATION") return [];
            const what = when === "refused" ? of.name : when;
            return [
              `${what}: ${notificationName(message.code, message.subcode)} ${Buffer.from(message.data).toString("hex")}`.trim(),
            ];
          }),
      );
      if (process.env["SHOW"]) console.log("NOT", name, JSON.stringify(said));
      expect(said).toEqual(notificationsOf[name]);
    },
  );
});

describe("encoded again", () => {
  it.each(all)("what $daemon sent is the same message", (recording) => {
    for (const of of recording.sessions) {
      for (const { hex } of of.messages) {
        const codec = codecOf(of);
        const { message } = decodeMessage(bytesOf(hex), codec);
        if (message.type === "ROUTE-REFRESH" && message.family === undefined) continue;
        const [again, ...more] = encodeMessage(message, codec);
        expect(more).toEqual([]);
        expect(decodeMessage(again!, codec)).toEqual({ message, problems: [] });
        const bytes = fields(bytesOf(hex));
        if (isWrittenOtherwise(bytes)) continue;
        expect(fields(again!)).toEqual(bytes);
      }
    }
  });
});

/** The bytes, but for what a speaker may choose: the order of attributes, and extended lengths. */
function fields(bytes: Uint8Array): string[] {
  const hex = (part: Uint8Array) => Buffer.from(part).toString("hex");
  if (bytes[18] === 1) return [];
  if (bytes[18] !== 2) return [hex(bytes)];
  const view = Buffer.from(bytes);
  const attributesAt = 23 + view.readUInt16BE(19);
  const end = attributesAt + view.readUInt16BE(attributesAt - 2);
  const parts: string[] = [];
  for (let at = attributesAt; at < end;) {
    const long = (view[at]! & 0x10) !== 0;
    const length = long ? view.readUInt16BE(at + 2) : view[at + 2]!;
    const begin = at + (long ? 4 : 3);
    // Partial is for who passes AS4_PATH and AS4_AGGREGATOR on: OpenBGPD sets it, others do not.
    const code = view[at + 1]!;
    const flags = view[at]! & (code === 17 || code === 18 ? 0xcf : 0xef);
    const value = hex(view.subarray(begin, begin + length));
    parts.push(`${code} ${hex(Uint8Array.of(flags))} ${value}`);
    at = begin + length;
  }
  return [hex(view.subarray(21, attributesAt - 2)), ...parts.toSorted(), hex(view.subarray(end))];
}

/**
 * Three things are written in another way here, all allowed: of a global and a link-local next hop only
 * the global one is kept (RFC 2545 §3); IPv4 is never announced with an IPv4 next hop, or withdrawn, in
 * the multiprotocol attributes; and attributes beside nothing but withdrawals, as ExaBGP sends them, go.
 */
function isWrittenOtherwise(parts: string[]): boolean {
  const [nlri = "", attributes] = [parts.at(-1), parts.slice(1, -1)];
  const withdrawsOnly = nlri === "" && !attributes.some((one) => one.startsWith("14 "));
  return (
    (withdrawsOnly && attributes.some((one) => !one.startsWith("15 "))) ||
    attributes.some((one) => /^14 \d\d ......20|^14 \d\d 00010104|^15 \d\d 000101/.test(one))
  );
}
