import { expectThat } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { Pair, until } from "../pair.ts";
import { capabilitiesOf } from "../wire-tap.ts";
import type { BgpDaemon } from "../daemons/daemon.ts";

const ours = "10.10.0.0/24";

/** The daemon asks; gives the subtypes of Spinelab's ROUTE-REFRESH messages, and how many UPDATEs it sent. */
async function refreshed(kind: BgpDaemon, enhanced: boolean): Promise<void> {
  await using pair = await Pair.start(kind, { speaker: { originate: [ours] } });
  await pair.established();
  await pair.exchanged({ ours });
  const [open] = pair.sent("daemon", "OPEN");
  expectThat("the daemon's OPEN has route refresh", capabilitiesOf(open!).has(2));
  const before = pair.sent("speaker", "UPDATE").length;
  if (pair.daemon.askRefresh === undefined) throw new Error("the daemon has no way to ask");
  await pair.daemon.askRefresh(pair.our);
  const subtypes = (by: "daemon" | "speaker") =>
    pair.sent(by, "ROUTE-REFRESH").map(({ bytes }) => bytes[21]);
  await until("the daemon asks", () => subtypes("daemon").includes(0));
  await until(
    "Spinelab sends its route again",
    () => pair.sent("speaker", "UPDATE").length > before,
  );
  if (enhanced) {
    // BoRR and EoRR (RFC 7313 §4).
    await until("Spinelab marks begin and end", () => subtypes("speaker").join() === "1,2");
  }
  expectThat("the session stays", await pair.daemon.established(pair.our));
  expectThat("the daemon has the route", (await pair.daemon.paths(ours)).length === 1);
}

export const refresh: Group = {
  title: "Route refresh",
  rows: [
    {
      id: "refresh",
      title: "The daemon asks, Spinelab sends all again (RFC 2918)",
      check: (kind) => refreshed(kind, false),
    },
    {
      id: "enhanced-refresh",
      title: "… between BoRR and EoRR (RFC 7313)",
      check: (kind) => refreshed(kind, true),
    },
  ],
};
