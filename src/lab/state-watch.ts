import { readLabState, stateItems } from "../observe/lab-state.ts";
import { Names } from "../observe/names.ts";
import type { Runtime } from "../runtime/port.ts";
import type { BetweenSteps } from "../scenario/context.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import type { Recorder } from "../timeline/record.ts";
import { changesBetween, type State, stateOf } from "../timeline/state.ts";
import type { Fabric } from "../topology/fabric.ts";

/** Above this many sessions and routes a look costs more than what it tells is worth. */
const itemsMax = 20_000;

/** Records what sessions and tables are before a scenario, and what each step with events changed. */
export class StateWatch {
  readonly #runtime: Runtime;
  readonly #fabric: Fabric;
  readonly #record: Recorder;
  readonly #scenario: Scenario;
  readonly #names: Names;
  #before: State = new Map();
  #isTooLarge = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(runtime: Runtime, fabric: Fabric, record: Recorder, scenario: Scenario) {
    this.#runtime = runtime;
    this.#fabric = fabric;
    this.#record = record;
    this.#scenario = scenario;
    this.#names = new Names(runtime, fabric);
  }

  /** The same hooks, with looks of our own. */
  around(hooks: BetweenSteps): BetweenSteps {
    return {
      before: async (index) => {
        await hooks.before?.(index);
        if (index === 0) await this.#look(undefined);
      },
      after: async (index, verdict) => {
        // The first step waits for what comes up by itself.
        const step = this.#scenario.steps[index]!;
        if (index === 0 || step.events.length > 0) await this.#look(index);
        return (await hooks.after?.(index, verdict)) ?? "go on";
      },
    };
  }

  /** One look at a time: steps may end beside each other, and each look is told against the one before. */
  async #look(step: number | undefined): Promise<void> {
    this.#looking = this.#looking.then(() => this.#lookNow(step));
    await this.#looking;
  }

  async #lookNow(step: number | undefined): Promise<void> {
    if (this.#isTooLarge) return;
    // A node that cannot be read is a change too; where none can, there is nothing to tell.
    const [states] = await Promise.all([
      readLabState(this.#runtime, this.#fabric),
      this.#names.refresh().catch(() => undefined),
    ]);
    const after = stateOf(stateItems(states, this.#names));
    if (after.size > itemsMax) {
      this.#isTooLarge = true;
      const message = `${after.size} sessions and routes: changes of state are not recorded`;
      this.#record({ type: "log", level: "info", message });
      return;
    }
    const changes = changesBetween(this.#before, after);
    this.#before = after;
    this.#record({ type: "state", ...(step !== undefined && { step }), changes });
  }
}
