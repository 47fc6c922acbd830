import type { ResetKind, ResetRequest } from "../bgp/speaker/reset.ts";
import type { RouteView } from "../bgp/speaker/views.ts";
import { prefix } from "../net/prefix.ts";
import { bgpPeer, bgpRoutePolicies, bgpRoutes } from "./cilium-models.ts";
import type { RunningSpeaker } from "./edges.ts";
import type { AdminHandler } from "./admin-socket.ts";

type Request = Record<string, unknown>;

const resetKinds: readonly ResetKind[] = ["hard", "soft-in", "soft-out"];

/**
 * What the admin socket answers: `{"get":"peers"}`, `{"get":"routes","kind":"available|received|advertised"}`,
 * `{"get":"explain","prefix":P}`, `{"get":"policies"}`, `{"get":"mrt"}` (RFC 6396, in base64), and what it does:
 * `{"reset":"hard|soft-in|soft-out","peer":NAME_OR_ADDRESS}`, all peers where none is named. Each row carries its
 * `instance` and the instance's AS number, `localAsn`, and a route of the own prefixes its `ageMs`. With
 * `"as":"cilium"` peers, routes and policies come as the models of Cilium's API (cilium-models.ts).
 */
export function adminHandler(of: {
  speakers: ReadonlyMap<string, RunningSpeaker>;
  /** The speakers' time. */
  nowMs: () => number;
}): AdminHandler {
  return (request) => {
    const rows: unknown[] = [];
    for (const [instance, host] of of.speakers) {
      if (request["as"] === "cilium") {
        rows.push(...ciliumModels(host.speaker, request, of.nowMs()));
        continue;
      }
      const { localAsn } = host.speaker.config;
      for (const row of answers(host, request, of.nowMs())) {
        rows.push({ instance, localAsn, ...row });
      }
    }
    return rows;
  };
}

type Speaker = RunningSpeaker["speaker"];

function answers(host: RunningSpeaker, request: Request, nowMs: number): readonly object[] {
  const { speaker } = host;
  if (request["reset"] !== undefined) return host.reset(resetOf(request));
  if (request["get"] === "peers") return speaker.peers(nowMs);
  if (request["get"] === "policies") return speaker.policies();
  if (request["get"] === "routes") return routesOf(speaker, request, nowMs);
  if (request["get"] === "mrt") return [{ mrt: mrtFile(speaker) }];
  if (request["get"] === "explain") return [speaker.explain(prefix(String(request["prefix"])))];
  throw new Error(`unknown request ${JSON.stringify(request)}`);
}

function ciliumModels(speaker: Speaker, request: Request, nowMs: number): readonly object[] {
  if (request["get"] === "peers") return speaker.peerDetails(nowMs).map(bgpPeer);
  if (request["get"] === "policies") return bgpRoutePolicies(speaker.policies(), speaker.config);
  if (request["get"] === "routes") {
    const { localAsn } = speaker.config;
    const ofPeers = request["kind"] !== "available";
    return bgpRoutes(routesOf(speaker, request, nowMs), { localAsn, ofPeers });
  }
  throw new Error(`Cilium's API has nothing for ${JSON.stringify(request)}`);
}

type AgedRoute = RouteView & { ageMs?: number };

function routesOf(speaker: Speaker, { kind }: Request, nowMs: number): AgedRoute[] {
  const aged = (route: RouteView): AgedRoute => {
    const sinceMs = speaker.originatedAtMs(route.prefix);
    return sinceMs === undefined ? route : { ...route, ageMs: nowMs - sinceMs };
  };
  if (kind === "received") return speaker.routesReceived();
  if (kind === "advertised") return speaker.routesAdvertised().map(aged);
  return speaker.routesAvailable().map((of) => (of.peer === undefined ? aged(of) : of));
}

function resetOf({ reset, peer }: Request): ResetRequest {
  const kind = resetKinds.find((of) => of === reset);
  if (kind === undefined) throw new Error(`unknown reset ${JSON.stringify(reset)}`);
  return { kind, peer: peer === undefined ? undefined : String(peer) };
}

function mrtFile(speaker: Speaker): string {
  const records = speaker.mrtDump(Math.floor(Date.now() / 1000));
  return Buffer.concat([...records]).toString("base64");
}
