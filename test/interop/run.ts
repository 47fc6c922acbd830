/**
 * Tries the rows of the matrix, or some of them, and prints what comes out, with the time it took:
 *
 *   node test/interop/run.ts [--write] [daemon,…] [row,…]     (all: `all`)
 *
 * `--write` makes docs/interop.md of it, which takes all daemons and rows. Needs root.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { daemons } from "./daemons/all.ts";
import { groups } from "./features/all.ts";
import { Lane } from "./lane.ts";
import { page, pageFile } from "./table.ts";

const { values, positionals } = parseArgs({
  options: { write: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [names = "all", ids = "all"] = positionals;
const isWanted = (list: string, one: string) => list === "all" || list.split(",").includes(one);
const startedMs = performance.now();
const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`.padStart(8);

const rows = groups.flatMap((group) => group.rows).filter(({ id }) => isWanted(ids, id));
const lanes = daemons
  .filter(({ name }) => isWanted(names, name.toLowerCase()))
  .map((daemon) => new Lane(daemon, rows));
await Promise.all(
  lanes.map(async (lane) => {
    for (const { id } of rows) {
      const outcome = await lane.outcome(id);
      const why = outcome.verdict === "works" ? "" : `: ${outcome.why}`;
      console.log(`${seconds()}  ${lane.name.padEnd(9)} ${id} ${outcome.verdict}${why}`);
    }
  }),
);
if (values.write) {
  if (positionals.length > 0) throw new Error("--write takes all daemons and rows");
  writeFileSync(pageFile, page(groups, await Promise.all(lanes.map((lane) => lane.column()))));
}
