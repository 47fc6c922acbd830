import { beforeEach, describe, expect, test } from "vitest";
import { runScenario } from "./run.ts";
import { PlayedLab } from "./testing/played-lab.ts";
import { scenarioOf } from "./testing/read-scenario.ts";

let lab: PlayedLab;

beforeEach(() => {
  lab = new PlayedLab();
});

const cut = `name: test
LIMIT
steps:
  - name: one
    do:
      - link: { between: [tor0, router0], set: down }
        undoAfter: 20s
      - agent: { on: kind-worker, do: kill }
        undoAfter: 30s
      - node: { on: tor1, do: stop }
`;

/** Plays it until 5 s, or until its own limit. What happened, with when. */
async function playedUntil(
  end: "aborted" | "limit",
  staysUp?: () => boolean,
): Promise<{ outcome: unknown; happened: string[] }> {
  const limit = end === "limit" ? "limit: 5s" : "";
  const context = { ...lab.scenarioContext, ...(staysUp && { staysUp }) };
  if (end === "aborted") {
    lab.clock.wait(5000, new AbortController().signal).then(
      () => lab.abort.abort(new Error("interrupted")),
      () => undefined,
    );
  }
  const outcome = await runScenario(context, scenarioOf(cut.replace("LIMIT", limit))).catch(
    (error: Error) => error.message,
  );
  const happened = lab.records.flatMap((record) =>
    record.type === "event" ? [`${record.atMs} ${record.text}${record.error ?? ""}`] : [],
  );
  return { outcome, happened };
}

const done = ["0 link tor0 – router0 down", "0 agent of kind-worker kill", "0 node tor1 stop"];
const takenBack = [
  "5000 taken back: link tor0 – router0 down",
  "5000 taken back: agent of kind-worker kill",
];

describe("a run that ends early", () => {
  test("in a lab that stays up takes back what is in force and says it is to be", async () => {
    const { outcome, happened } = await playedUntil("aborted", () => true);
    expect(outcome).toBe("interrupted");
    expect(happened).toEqual([...done, ...takenBack]);
    expect(lab.commands.at(-1)).toMatch(/ up$/);
    expect(lab.agentActions).toEqual(["kill kind-worker", "start kind-worker"]);
  });

  test("by its own limit, too", async () => {
    const { outcome, happened } = await playedUntil("limit", () => true);
    expect(outcome).toMatchObject({ verdict: "fail" });
    expect(happened).toEqual([...done, ...takenBack]);
  });

  test("takes back the others where one cannot be", async () => {
    lab.runtime.setLink = (_a, _b, state) =>
      state === "up" ? Promise.reject(new Error(": it is stuck")) : Promise.resolve();
    const { happened } = await playedUntil("aborted", () => true);
    expect(happened.slice(3)).toEqual([`${takenBack[0]}: it is stuck`, takenBack[1]]);
  });

  test("with its lab touches nothing more", async () => {
    expect((await playedUntil("aborted")).happened).toEqual(done);
    lab = new PlayedLab();
    expect((await playedUntil("aborted", () => false)).happened).toEqual(done);
  });
});

describe("a command that is under way when a run ends early", () => {
  beforeEach(() => {
    const { exec } = lab.runtime;
    lab.runtime.exec = async (place, argv, options) => {
      if (argv[0] !== "slow") return await exec(place, argv, options);
      lab.clock.wait(5000, new AbortController().signal).then(
        () => lab.abort.abort(new Error("interrupted")),
        () => undefined,
      );
      await lab.clock.wait(20_000, new AbortController().signal);
      return { exitCode: 0, stdout: "", stderr: "", tookMs: 20_000 };
    };
  });

  /** When the run came to its end. */
  async function endsAtMs(step: string, staysUp: boolean): Promise<number> {
    const context = { ...lab.scenarioContext, staysUp: () => staysUp };
    const scenario = scenarioOf(`name: test\nsteps: [ { name: one, ${step} } ]`);
    await expect(runScenario(context, scenario)).rejects.toThrow("interrupted");
    return lab.clock.nowMs();
  }

  test.each([true, false])(
    "looks at something: nobody waits for it; lab stays up: %j",
    async (staysUp) => {
      const look = "within: 60s, expect: [ { exec: { on: tor0, command: slow } } ]";
      expect(await endsAtMs(look, staysUp)).toBe(5000);
    },
  );

  test("is not to be: nor for that", async () => {
    const look =
      "within: 60s, do: [ { exec: { on: tor0, command: fast, allowFailure: true } } ], never: [ { exec: { on: tor0, command: slow } } ]";
    expect(await endsAtMs(look, true)).toBe(5000);
  });

  test("is an event: it ends with its lab", async () => {
    const event = "do: [ { exec: { on: tor0, command: slow } } ]";
    expect(await endsAtMs(event, false)).toBe(5000);
  });

  test("is an event of a lab that goes on: it is waited for", async () => {
    const event = "do: [ { exec: { on: tor0, command: slow } } ]";
    expect(await endsAtMs(event, true)).toBe(20_000);
  });
});
