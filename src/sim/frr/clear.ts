import type { ResetKind } from "../../bgp/speaker/reset.ts";
import type { FrrRouter } from "./router.ts";

const clear =
  /^clear (?:ip )?bgp(?: (?:ipv4|ipv6)(?: unicast)?)? (?<peer>\S+)(?<soft> soft(?: (?<way>in|out))?| (?<bare>in|out))?$/;

/** `clear bgp PEER [soft] [in|out]`, and what it prints; undefined: another form, which is not simulated. */
export function clearBgp(router: FrrRouter, command: string): string | undefined {
  const { peer, soft, way, bare } = clear.exec(command)?.groups ?? {};
  if (peer === undefined) return undefined;
  const of = peer === "*" ? undefined : peer;
  const direction = way ?? bare;
  const kinds: ResetKind[] =
    soft === undefined
      ? ["hard"]
      : direction === undefined
        ? ["soft-in", "soft-out"]
        : [direction === "in" ? "soft-in" : "soft-out"];
  const done = kinds.flatMap((kind) => router.host?.reset({ peer: of, kind }) ?? []);
  return done.length === 0 && of !== undefined ? `% BGP: Unknown neighbor - "${of}"\n` : "";
}
