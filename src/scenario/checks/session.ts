import type { Session } from "../../observe/rib-view.ts";
import { readSessions } from "../../observe/router.ts";
import { boundsText, durationText, inBounds } from "../bounds.ts";
import { boundsList, type CheckHandler } from "../check.ts";
import { isPeer, nodeNamed, referenceText } from "../resolve.ts";
import type { Bounds, CheckOf } from "../schema/types.ts";

/** A BGP session as one of its ends shows it. */
export const session: CheckHandler<"session"> = {
  text: (check) =>
    `session ${check.on} → ${referenceText(check.to)} ${check.absent ? "absent" : check.states.join("|")}`,

  expected: (check) =>
    check.absent
      ? "no such session"
      : [
          check.states.join(" or "),
          ...boundsList({ received: check.received, sent: check.sent }, boundsText),
          ...boundsList({ uptime: check.uptimeMs }, (bounds) => boundsText(bounds, durationText)),
        ].join(", "),

  async look(context, check) {
    const node = nodeNamed(context, check.on);
    const [sessions] = await Promise.all([
      readSessions(context.runtime, node, check.family),
      context.names.ready(),
    ]);
    const found = sessions.filter((one) => isPeer(context, node.name, one, check.to));
    if (check.absent) {
      return { ok: found.length === 0, seen: found.map(text).join("; ") || "no such session" };
    }
    if (found.length === 0) {
      const others = sessions.map((one) => one.hostname ?? one.peer).join(", ");
      return { ok: false, seen: `no such session; sessions: ${others || "none"}` };
    }
    // Several sessions between two nodes must all be as expected.
    const differs = found.flatMap((one) => differences(check, one));
    return { ok: differs.length === 0, seen: found.map(text).join("; "), differs };
  },
};

function differences(check: CheckOf<"session">, one: Session): string[] {
  const { states, received, sent, uptimeMs } = check;
  const isOff = (value: number, bounds: Bounds | undefined): bounds is Bounds =>
    bounds !== undefined && !inBounds(value, bounds);
  return [
    ...(states.some((state) => state === one.state)
      ? []
      : [`state ${one.state}, not ${states.join(" or ")}`]),
    ...(isOff(one.received, received)
      ? [`received ${one.received}, not ${boundsText(received)}`]
      : []),
    ...(isOff(one.sent, sent) ? [`sent ${one.sent}, not ${boundsText(sent)}`] : []),
    ...(isOff(one.uptimeMs, uptimeMs)
      ? [`up ${durationText(one.uptimeMs)}, not ${boundsText(uptimeMs, durationText)}`]
      : []),
  ];
}

function text({ state, heldBy, received, sent, uptimeMs }: Session): string {
  const up = state === "Established" ? `, up ${durationText(uptimeMs)}` : "";
  const held = heldBy === undefined ? "" : ` (${heldBy})`;
  return `${state}${held}, received ${received}, sent ${sent}${up}`;
}
