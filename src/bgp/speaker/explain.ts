import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { bestPath, type Elimination } from "../rib/decision.ts";
import { families, familyNameOfPrefix } from "../rib/family.ts";
import type { Path } from "../rib/path.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";
import { type AvailableRoute, availableRoute, routeView, type RouteView } from "./views.ts";

/** Why a prefix is reached as it is: every path known, each step of the choice, and what peers are told. */
export type Explanation = {
  prefix: Prefix;
  /** Undefined: no usable path. */
  best?: AvailableRoute;
  /** The paths chosen from, the best among them; for a loser, the step that dropped it. */
  candidates: (AvailableRoute & { droppedBy?: Elimination["step"] })[];
  /** Received, and not looked at. */
  notUsed: (RouteView & { peer: string; peerAddress: Address; reason: string })[];
  /** The steps taken, in order. Paths are named by their peer; `here` is this speaker. */
  steps: { name: string; rfc: string; kept: string[]; dropped: string[] }[];
  /** What became of the best path towards each Established peer of the family. */
  exports: PeerExport[];
};

export type PeerExport = {
  peer: string;
  /** The export statement that decided, where one matched. */
  statement?: string;
  sent?: RouteView;
  /** Why the peer is not told. */
  withheld?: string;
};

export function explain(prefix: Prefix, ribs: Ribs, peers: readonly Peer[]): Explanation {
  const name = familyNameOfPrefix(prefix);
  const family = families[name];
  const candidates = ribs.loc[name].candidates(prefix);
  const eliminations: Elimination[] = [];
  const best =
    candidates.length === 0
      ? undefined
      : bestPath(
          candidates,
          (elimination) => eliminations.push(elimination),
          ribs.loc[name].inUse(prefix),
        );
  const used = ribs.loc[name].used(prefix);
  const available = (path: Path) => availableRoute(family, prefix, path, used);
  return {
    prefix,
    ...(best !== undefined && { best: available(best) }),
    candidates: candidates.map((path) => {
      const by = eliminations.find(({ dropped }) => dropped.includes(path))?.step;
      return Object.assign(available(path), by && { droppedBy: { name: by.name, rfc: by.rfc } });
    }),
    notUsed: peers.flatMap(({ config, inbound }) => {
      const { name: peer, address: peerAddress } = config;
      return (inbound.tables().get(name)?.pathsTo(prefix) ?? []).flatMap((path) => {
        const imported = inbound.imported(prefix, path);
        if ("path" in imported) return [];
        const view = routeView(family, prefix, undefined, path.set);
        return [{ peer, peerAddress, ...view, reason: imported.rejected }];
      });
    }),
    steps: eliminations.map(({ step, kept, dropped }) => ({
      name: step.name,
      rfc: step.rfc,
      kept: kept.map(sourceName),
      dropped: dropped.map(sourceName),
    })),
    exports: best === undefined ? [] : peers.flatMap((peer) => peerExport(prefix, best, peer)),
  };
}

function peerExport(prefix: Prefix, best: Path, { config, established }: Peer): PeerExport[] {
  const name = familyNameOfPrefix(prefix);
  const exported = established?.outbound.exported(name, prefix, best);
  if (exported === undefined) return [];
  const { statement } = exported;
  return [
    {
      peer: config.name,
      ...(statement !== undefined && { statement }),
      ...("set" in exported
        ? { sent: routeView(families[name], prefix, undefined, exported.set) }
        : { withheld: exported.withheld }),
    },
  ];
}

function sourceName({ source }: Path): string {
  return source.kind === "own" ? "here" : source.peer;
}
