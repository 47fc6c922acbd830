import { expect, test } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { decisionCases } from "../rib/decision.testkit.ts";
import { decisionSteps } from "../rib/decision.ts";
import type { Path } from "../rib/path.ts";
import { explain } from "./explain.ts";
import { Ribs } from "./ribs.ts";

const to = prefix("10.1.0.0/16");

function explained(...paths: Path[]) {
  const ribs = new Ribs();
  const id = ribs.prefixes["ipv4/unicast"].addPrefix(to);
  for (const path of paths) {
    const peer = path.source.kind === "own" ? undefined : path.source.peer;
    ribs.loc["ipv4/unicast"].replace(id, peer, path);
  }
  return explain(to, ribs, []);
}

const nameOf = ({ source }: Path) => (source.kind === "own" ? undefined : source.peer);

test.each(decisionCases)("%s: said of the path that it dropped", (step, winner, loser) => {
  const { best, candidates, steps } = explained(loser, winner);
  expect(best?.peer).toBe(nameOf(winner));
  const rfc = decisionSteps.find(({ name }) => name === step)!.rfc;
  const dropped = candidates.filter(({ droppedBy }) => droppedBy !== undefined);
  expect(dropped).toMatchObject([{ peer: nameOf(loser), droppedBy: { name: step, rfc } }]);
  expect(steps.at(-1)).toEqual({
    name: step,
    rfc,
    kept: [nameOf(winner) ?? "here"],
    dropped: [nameOf(loser)],
  });
});

test("of a prefix that nobody has there is nothing to say", () => {
  expect(explained()).toEqual({ prefix: to, candidates: [], notUsed: [], steps: [], exports: [] });
});
