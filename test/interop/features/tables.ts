import type { BgpDaemon, Neighbor } from "../daemons/daemon.ts";
import { expectEqual } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { here, ourAsn, Pair, there, theirAsn, until } from "../pair.ts";
import { SpinelabSpeaker } from "../spinelab-speaker.ts";

const tableSize = 20_000;

/** `10.0.0.0/24` and those after it; `first`: the first octet. */
function table(first: number): string[] {
  return Array.from({ length: tableSize }, (_, index) => {
    const [second, third] = [index >> 8, index & 255];
    return `${first}.${second}.${third}.0/24`;
  });
}

export const tables: Group = {
  title: "Tables",
  rows: [
    {
      id: "table-to-daemon",
      title: `${tableSize.toLocaleString("en")} routes of Spinelab`,
      async check(kind) {
        await using pair = await Pair.start(kind, { speaker: { originate: table(20) } });
        await pair.established();
        await until(
          `the daemon has ${tableSize} routes`,
          async () => {
            const received = await pair.daemon.received(pair.our, "ipv4");
            if (received !== tableSize) throw new Error(`it has ${received}`);
            return true;
          },
          60_000,
        );
        // Beyond the last one there is nothing.
        const last = await pair.daemon.paths(table(20).at(-1)!);
        expectEqual("paths to the last prefix", last.length, 1);
        expectEqual("the session", await pair.daemon.established(pair.our), true);
      },
    },
    {
      id: "table-to-spinelab",
      title: `${tableSize.toLocaleString("en")} routes of the daemon`,
      async check(kind) {
        const routes = table(20).map((prefix) => ({ prefix }));
        await using pair = await Pair.start(kind, { daemon: { routes } });
        await pair.established();
        await until(
          `Spinelab has ${tableSize} routes`,
          async () => {
            const { families } = await pair.peer();
            if (families[0]!.received !== tableSize) throw new Error(JSON.stringify(families));
            return true;
          },
          60_000,
        );
        const prefixes = new Set((await pair.speaker.received()).map(({ prefix }) => prefix));
        expectEqual(
          "prefixes that are not there",
          routes.filter(({ prefix }) => !prefixes.has(prefix as never)).length,
          0,
        );
        expectEqual("the session", await pair.speaker.established(pair.their), true);
      },
    },
    {
      id: "add-path-to-daemon",
      title: "Two paths to one prefix from Spinelab (RFC 7911)",
      async check(kind) {
        await using pair = await Pair.start(kind, {
          ...{ neighbor: { addPath: true }, peer: { addPath: { receive: true, send: "all" } } },
          addresses: sources.map(({ address }) => `${address}/24`),
          speaker: { peers: sources.map((source) => ({ ...source, passive: true })) },
        });
        await startSources(pair, { address: here.ipv4, asn: ourAsn });
        await pair.established();
        await until("the daemon has two paths", async () => {
          const paths = await pair.daemon.paths(prefix);
          return (
            paths
              .map(({ asPath }) => asPath.join(" "))
              .toSorted()
              .join() === bothBehind(ourAsn)
          );
        });
      },
    },
    {
      id: "add-path-to-spinelab",
      title: "Two paths to one prefix from the daemon (RFC 7911)",
      check: addPathToSpinelab,
    },
  ],
};

/** Two more speakers with one prefix. */
const prefix = "10.30.0.0/24";
const sources = [
  { address: "10.99.0.11", asn: 64701 },
  { address: "10.99.0.12", asn: 64702 },
];
const bothBehind = (asn: number) => sources.map((source) => `${asn} ${source.asn}`).join();

async function startSources(pair: Pair, to: { address: string; asn: number }): Promise<void> {
  const starting = sources.map(({ address, asn }) =>
    SpinelabSpeaker.start(
      pair.ours,
      {
        ...{ localAsn: asn, routerId: address, ebgpRequiresPolicy: false, originate: [prefix] },
        peers: [{ ...to, localAddress: address }],
      },
      `source-${asn}`,
    ),
  );
  await Promise.all(starting);
}

async function addPathToSpinelab(kind: BgpDaemon): Promise<void> {
  const neighbors = sources.map((source): Neighbor => ({
    ...source,
    ...{ localAddress: there.ipv4, families: ["ipv4"], passive: true },
  }));
  await using pair = await Pair.start(kind, {
    ...{ neighbor: { addPath: true }, peer: { addPath: { receive: true, send: "all" } } },
    addresses: sources.map(({ address }) => `${address}/24`),
    daemon: kind.passesOn
      ? { neighbors }
      : { routes: sources.map(({ asn }, index) => ({ prefix, pathId: index + 1, asPath: [asn] })) },
  });
  if (kind.passesOn) await startSources(pair, { address: there.ipv4, asn: theirAsn });
  await pair.established();
  await until("Spinelab has two paths", async () => {
    const paths = (await pair.speaker.received()).filter((route) => route.prefix === prefix);
    const ids = new Set(paths.map(({ pathId }) => pathId));
    const asPaths = paths.map(({ attributes }) =>
      (attributes.asPath ?? []).flatMap(({ asns }) => asns).join(" "),
    );
    return ids.size === 2 && asPaths.toSorted().join() === bothBehind(theirAsn);
  });
}
