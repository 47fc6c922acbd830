import type { Scenario } from "../scenario/schema/types.ts";
import type { RecordBody } from "../timeline/record.ts";
import { wallClockText } from "../timeline/wall-clock.ts";
import type { LabSpec } from "./spec.ts";
import { version } from "./version.ts";

/** What a run begins with. `unixAtZeroMs`: when the lab's time was 0. */
export function startedRecord(
  spec: LabSpec,
  unixAtZeroMs: number,
  scenario: Scenario | undefined,
): RecordBody {
  return {
    type: "started",
    lab: spec.name,
    wallClock: wallClockText(unixAtZeroMs),
    runtime: spec.runtime.kind,
    spinelab: version,
    replay: spec.replay,
    topology: spec.picture,
    ...(scenario === undefined ? {} : { scenario: scenarioSummary(scenario) }),
  };
}

function scenarioSummary({ name, file, steps, summary }: Scenario) {
  return {
    name,
    file,
    steps: steps.map((step) => step.name),
    ...(summary === undefined ? {} : { summary }),
  };
}
