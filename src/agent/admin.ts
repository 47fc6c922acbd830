import type { ResetKind, ResetRequest } from "../bgp/speaker/reset.ts";
import type { RouteView } from "../bgp/speaker/views.ts";
import { prefix } from "../net/prefix.ts";
import type { RunningSpeaker } from "./edges.ts";
import type { AdminHandler } from "./admin-socket.ts";

const resetKinds: readonly ResetKind[] = ["hard", "soft-in", "soft-out"];

/**
 * What the admin socket answers: `{"get":"peers"}`, `{"get":"routes","kind":"available|received|advertised"}`,
 * `{"get":"explain","prefix":P}`, `{"get":"policies"}`, `{"get":"mrt"}` (RFC 6396, in base64), and what it does:
 * `{"reset":"hard|soft-in|soft-out","peer":NAME_OR_ADDRESS}`, all peers where none is named. Each row carries its
 * `instance` and the instance's AS number, `localAsn`, and a route of the own prefixes its `ageMs`.
 */
export function adminHandler(of: {
  speakers: ReadonlyMap<string, RunningSpeaker>;
  /** The speakers' time. */
  nowMs: () => number;
}): AdminHandler {
  return (request) => {
    const rows: unknown[] = [];
    for (const [instance, host] of of.speakers) {
      const { speaker } = host;
      const { localAsn } = speaker.config;
      const aged = <T extends RouteView>(route: T): T & { ageMs?: number } => {
        const sinceMs = speaker.originatedAtMs(route.prefix);
        return sinceMs === undefined ? route : { ...route, ageMs: of.nowMs() - sinceMs };
      };
      const add = (values: readonly object[]) =>
        rows.push(...values.map((value) => ({ instance, localAsn, ...value })));
      if (request["reset"] !== undefined) add(host.reset(resetOf(request)));
      else if (request["get"] === "peers") add(speaker.peers(of.nowMs()));
      else if (request["get"] === "policies") add(speaker.policies());
      else if (request["get"] === "mrt") add([{ mrt: mrtFile(speaker) }]);
      else if (request["get"] === "explain")
        add([speaker.explain(prefix(String(request["prefix"])))]);
      else if (request["get"] === "routes") {
        if (request["kind"] === "received") add(speaker.routesReceived());
        else if (request["kind"] === "advertised") add(speaker.routesAdvertised().map(aged));
        else
          add(
            speaker
              .routesAvailable()
              .map((route) => (route.peer === undefined ? aged(route) : route)),
          );
      } else throw new Error(`unknown request ${JSON.stringify(request)}`);
    }
    return rows;
  };
}

function resetOf({ reset, peer }: Record<string, unknown>): ResetRequest {
  const kind = resetKinds.find((of) => of === reset);
  if (kind === undefined) throw new Error(`unknown reset ${JSON.stringify(reset)}`);
  return { kind, peer: peer === undefined ? undefined : String(peer) };
}

function mrtFile(speaker: RunningSpeaker["speaker"]): string {
  const records = speaker.mrtDump(Math.floor(Date.now() / 1000));
  return Buffer.concat([...records]).toString("base64");
}
