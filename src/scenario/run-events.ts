import { EnvironmentError } from "../input/diagnostic.ts";
import { UnreadableError } from "../observe/unreadable.ts";
import type { LabContext } from "./context.ts";
import { EventError, type Undo } from "./event.ts";
import { fabricChanges } from "./fabric-changes.ts";
import { chaosText, drawFaults } from "./events/chaos.ts";
import { seededRandom } from "./random.ts";
import { eventText, runEvent } from "./events/table.ts";
import type { EventOf, ScenarioEvent, Step } from "./schema/types.ts";

/** How the events of a step went. A failed one ends the row: what comes after it stands on it. */
export type EventsOutcome = { failed?: string; inconclusive?: string };

/**
 * Does the events in order, each after its delay, and takes back those that say so. Resolves when
 * all is done, `undoAfter` included: checks look at what is left. `onEvent` is called right before
 * each. Where the run ends early in a lab that stays up, what is in force is taken back at once.
 */
export async function runEvents(
  context: LabContext,
  stepIndex: number,
  step: Pick<Step, "events">,
  onEvent: (text: string) => void,
): Promise<EventsOutcome> {
  const row = new EventRow(context, stepIndex, onEvent);
  try {
    for (const event of step.events) await row.run(event);
    await row.undone();
    return {};
  } catch (error) {
    await row.undone().catch(() => undefined);
    context.signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof EnvironmentError) return { inconclusive: message };
    context.recorder({ type: "failure", message, ...evidence(error) });
    return { failed: message };
  }
}

class EventRow {
  readonly #context: LabContext;
  readonly #step: number;
  readonly #onEvent: (text: string) => void;
  readonly #undos: Promise<void>[] = [];
  /** Of a run that ended early: one after the other, since one may need what another brings back. */
  #takenBackEarly: Promise<void> = Promise.resolve();

  constructor(context: LabContext, step: number, onEvent: (text: string) => void) {
    this.#context = context;
    this.#step = step;
    this.#onEvent = onEvent;
  }

  async run(event: ScenarioEvent): Promise<void> {
    const { clock, signal } = this.#context;
    if (event.afterMs > 0) await clock.wait(event.afterMs, signal);
    const beganMs = clock.nowMs();
    for (let n = 0; n < event.times; n++) {
      if (n > 0) {
        // Each at its time, however long the one before took; without times one after the other.
        const dueMs = beganMs + n * (event.everyMs ?? 0);
        if (event.everyMs === undefined) await this.undone();
        else if (dueMs > clock.nowMs()) await clock.wait(dueMs - clock.nowMs(), signal);
      }
      signal.throwIfAborted();
      await this.#once(event);
    }
  }

  /** Done when it is done; `takenBack` when that is, or at once where nothing is. */
  async #once(event: ScenarioEvent): Promise<{ takenBack: Promise<void> }> {
    const undo = await this.#do(event);
    if (event.undoAfterMs === undefined) return { takenBack: Promise.resolve() };
    if (undo === undefined) throw new Error(`${eventText(event)}: cannot be taken back`);
    const takenBack = this.#undo(event, event.undoAfterMs, undo);
    // Whoever waits for it hears of a rejection; until then it is not an unhandled one.
    takenBack.catch(() => undefined);
    this.#undos.push(takenBack);
    return { takenBack };
  }

  /** All are taken back, also where taking back one of them fails. */
  async undone(): Promise<void> {
    await allDone(this.#undos);
  }

  async #do(event: ScenarioEvent): Promise<Undo | undefined> {
    if (event.kind === "chaos") {
      await this.#chaos(event);
      return undefined;
    }
    if (event.kind !== "together") {
      return await this.#timed(event, eventText(event), false, () =>
        runEvent(this.#context, event),
      );
    }
    await this.#together(event);
    return undefined;
  }

  /** Each fault at its time. What was drawn is told first, with the seed that draws it again. */
  async #chaos(event: EventOf<"chaos">): Promise<void> {
    const { fabric, recorder, seed } = this.#context;
    // Its place in the file, wherever that is.
    const place = event.source.slice(event.source.lastIndexOf("/") + 1);
    const drawn = drawFaults(fabric, event, seededRandom(seed, place));
    const message = `${chaosText(event)}, drawn from --seed ${seed}`;
    recorder({ type: "log", level: "info", message });
    const ends: { keys: readonly string[]; ended: Promise<void> }[] = [];
    const begun = drawn.map(({ keys, event: fault }) => {
      const before = ends.filter((one) => one.keys.some((key) => keys.includes(key)));
      const begins = this.#drawnFault(
        fault,
        before.map(({ ended }) => ended),
      );
      ends.push({ keys, ended: begins.then(({ takenBack }) => takenBack) });
      return begins;
    });
    for (const { ended } of ends) ended.catch(() => undefined);
    await allDone(begun);
  }

  /**
   * At its time, and not before those `before` it are taken back: an agent or a machine takes a while to start, and
   * what is starting is not broken a second time.
   */
  async #drawnFault(
    fault: ScenarioEvent,
    before: Promise<void>[],
  ): Promise<{ takenBack: Promise<void> }> {
    const { clock, signal } = this.#context;
    if (fault.afterMs > 0) await clock.wait(fault.afterMs, signal);
    await Promise.all(before);
    signal.throwIfAborted();
    return await this.#once(fault);
  }

  /** All at one instant. */
  async #together({ events }: EventOf<"together">): Promise<void> {
    await allDone(events.map((one) => this.run(one)));
  }

  async #undo(event: ScenarioEvent, afterMs: number, undo: Undo): Promise<void> {
    const { clock, signal, staysUp } = this.#context;
    const takeBack = () => this.#timed(event, `taken back: ${eventText(event)}`, true, undo);
    try {
      await clock.wait(afterMs, signal);
    } catch (error) {
      if (!staysUp?.()) throw error;
      // One that fails keeps no other from being taken back; the timeline tells of it.
      this.#takenBackEarly = this.#takenBackEarly.catch(() => undefined).then(takeBack);
      return await this.#takenBackEarly;
    }
    await takeBack();
  }

  /** Does it and records how it went. */
  async #timed<T>(
    event: ScenarioEvent,
    text: string,
    undone: boolean,
    act: () => Promise<T>,
  ): Promise<T> {
    const { clock, recorder } = this.#context;
    this.#onEvent(text);
    const beganMs = clock.nowMs();
    const record = (error?: string) => {
      const changes = error === undefined ? fabricChanges(this.#context, event, undone) : [];
      recorder({
        type: "event",
        step: this.#step,
        kind: event.kind,
        text,
        tookMs: clock.nowMs() - beganMs,
        ...(error !== undefined && { error }),
        ...(changes.length > 0 && { changes }),
      });
    };
    try {
      const result = await act();
      record();
      return result;
    } catch (error) {
      record(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}

/** Waits for every one; then the first failure counts. */
async function allDone(all: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(all);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

function evidence(error: unknown): { node?: string; command?: string; output?: string } {
  if (!(error instanceof EventError || error instanceof UnreadableError)) return {};
  const { node, command, output } = error;
  return { node, command, output };
}
