import { expect, test } from "vitest";
import { EnvironmentError } from "../input/diagnostic.ts";
import { ControlError } from "../lab/control.ts";
import { type Answer, tell, UnansweredError } from "./agent-answers.ts";

const nodes = ["kind-worker", "kind-worker2", "kind-worker3"];
const says = (...rows: string[]) => ({ status: "fulfilled" as const, value: rows });
const fails = (reason: Error) => ({ status: "rejected" as const, reason });

function told(outcomes: PromiseSettledResult<string[]>[]) {
  const shown: Answer<string>[][] = [];
  let error: unknown;
  try {
    tell(nodes, outcomes, (answers) => void shown.push(answers));
  } catch (thrown) {
    error = thrown;
  }
  return { shown, error };
}

test("everybody answers: all of it is shown, once", () => {
  const rows = { node: "kind-worker", rows: ["a", "b"] };
  expect(told([says("a", "b"), says(), says("c")])).toEqual({
    shown: [[rows, { node: "kind-worker2", rows: [] }, { node: "kind-worker3", rows: ["c"] }]],
    error: undefined,
  });
});

test("two do not answer: the third's answer is shown, then which, why and what to do about each", () => {
  const { shown, error } = told([
    fails(new ControlError("kind-worker: agent {}: the agent is not running (ECONNREFUSED)")),
    says("b"),
    fails(new EnvironmentError("the engine is gone", "start it")),
  ]);
  expect(shown).toEqual([[{ node: "kind-worker2", rows: ["b"] }]]);
  expect(error).toBeInstanceOf(UnansweredError);
  const [who, what, another, remedy, ...rest] = (error as Error).message.split("\n");
  expect(who).toBe("kind-worker: agent {}: the agent is not running (ECONNREFUSED)");
  expect(what).toMatch(/^ {2}what to do: spinelab logs kind-worker /);
  expect(another).toBe("kind-worker3: the engine is gone");
  expect(remedy).toBe("  what to do: start it");
  expect(rest).toEqual([]);
});

test("nobody answers: nothing is shown; where the environment kept all from it, that is the error", () => {
  const gone = new EnvironmentError("the engine is gone", "start it");
  expect(told([fails(gone), fails(gone), fails(gone)])).toEqual({ shown: [], error: gone });
  const hungUp = fails(new ControlError("the lab hung up"));
  const { shown, error } = told([hungUp, fails(gone), hungUp]);
  expect(shown).toEqual([]);
  expect((error as Error).message).toContain("kind-worker: the lab hung up\n");
});
