import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { daemons } from "./daemons/all.ts";
import { groups } from "./features/all.ts";
import { Lane } from "./lane.ts";
import { cellText, columnOf, pageFile } from "./table.ts";

const known = readFileSync(pageFile, "utf8");
const lanes = daemons.map(
  (daemon) =>
    new Lane(
      daemon,
      groups.flatMap(({ rows }) => rows),
    ),
);
const cells = groups.flatMap((group) =>
  group.rows.flatMap(({ id, title }) =>
    lanes.map((lane) => ({ group: group.title, what: title, id, lane, daemon: lane.name })),
  ),
);

describe("docs/interop.md is what a run shows", () => {
  it.each(cells)("$group: $what: $daemon", async ({ id, what, lane }) => {
    const outcome = await lane.outcome(id);
    const version = await lane.version();
    const seen = cellText(version, outcome);
    const column = columnOf(known, lane.name);
    const expected = column?.cells.get(what) ?? "no such cell";
    // Of another version of the daemon only this is known: what worked works.
    const isKnown = column?.version === version || expected === "works";
    const why = outcome.verdict === "fails" ? `: ${outcome.why}` : "";
    expect(seen + why).toBe(isKnown ? expected : seen);
  });
});
