import type { TimelineRecord } from "../../timeline/record.ts";
import { runScenario, type ScenarioOutcome } from "../run.ts";
import { FakeLab } from "./fake-lab.ts";
import { scenarioOf } from "./read-scenario.ts";

/** A lab that plays steps, with commands that succeed at times of its virtual clock. */
export class PlayedLab extends FakeLab {
  /** `steps`: as under `steps:` in a scenario's file. */
  async play(steps: string): Promise<ScenarioOutcome> {
    return await runScenario(this.scenarioContext, scenarioOf(`name: test\nsteps:\n${steps}`));
  }

  checkRecords(): Extract<TimelineRecord, { type: "check" }>[] {
    return this.records.flatMap((record) => (record.type === "check" ? record : []));
  }

  /** A command of tor0 that succeeds from a time of the virtual clock on. */
  trueFrom(command: string, atMs: number, untilMs = Infinity): void {
    this.answer("tor0", command, () => {
      const nowMs = this.clock.nowMs();
      return { exitCode: nowMs >= atMs && nowMs < untilMs ? 0 : 1 };
    });
  }
}
