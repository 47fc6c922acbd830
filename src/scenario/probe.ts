import type { Address } from "../net/address.ts";
import type { Echo, EchoRun, Place } from "../runtime/port.ts";
import type { ProbeLoss } from "../timeline/record.ts";
import { durationText } from "./bounds.ts";
import { type LabContext, PreconditionError } from "./context.ts";
import { type Outage, Outages } from "./outages.ts";
import { referenceText, resolvePlace, resolveTarget } from "./resolve.ts";
import type { Probe } from "./schema/types.ts";

const firstPacketWithinMs = 10_000;
const lookEveryMs = 20;
/** How often to try again from a place that is gone: a pod that restarts, a node without power. */
const resumeEveryMs = 100;

/** How many intervals without an answer make an outage that goes on, and how long at least. */
const patienceIntervals = 5;
const patienceMsMin = 200;
/** So long an outage that is over may still turn out to be none; less than a step rests before its last look. */
const overtakenMsMax = 200;

/** ICMP echo requests all the time, from a pod or node to an address. */
export class RunningProbe {
  readonly probe: Probe;
  readonly #context: LabContext;
  #run: EchoRun;
  readonly #outages: Outages;
  readonly #stepAt: (atMs: number) => number | undefined;
  #failure: string | undefined;
  #saidSilent = false;
  readonly #stopping = new AbortController();
  /** Numbers of the echoes of earlier runs end here. */
  #sentBefore = 0;

  private constructor(
    context: LabContext,
    probe: Probe,
    place: Place,
    address: Address,
    stepAt: (atMs: number) => number | undefined,
  ) {
    this.#context = context;
    this.probe = probe;
    this.#stepAt = stepAt;
    this.#outages = new Outages(context.clock.nowMs());
    this.#run = this.#send(place, address);
  }

  #send(place: Place, address: Address): EchoRun {
    const before = this.#sentBefore;
    const { runtime } = this.#context;
    const run = runtime.echo(place, address, this.probe.everyMs, (echo) =>
      this.#take("number" in echo ? { ...echo, number: echo.number + before } : echo),
    );
    void run.failed.then((reason) => {
      this.#failure = reason;
      if (this.#outages.begun) void this.#resume();
    });
    return run;
  }

  /**
   * Starts and waits until the first packet is answered or known to be unanswered. `stepAt` tells
   * which step was under way at a time. Throws PreconditionError where the pod does not run.
   */
  static async start(
    context: LabContext,
    probe: Probe,
    stepAt: (atMs: number) => number | undefined,
  ): Promise<RunningProbe> {
    const place = await resolvePlace(context, probe.from);
    const address = await resolveTarget(context, probe.to, probe.family);
    const running = new RunningProbe(context, probe, place, address, stepAt);
    context.recorder({
      type: "probe",
      probe: probe.name,
      state: "begin",
      from: referenceText(probe.from),
      to: referenceText(probe.to),
      everyMs: probe.everyMs,
    });
    try {
      await running.#begun();
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  /** Outages that were not over at `sinceMs`, and whether one goes on now. */
  outagesSince(sinceMs: number): { outages: Outage[]; ongoing: boolean } {
    const nowMs = this.#context.clock.nowMs();
    const ongoing = this.#outages.ongoing(nowMs, this.#patienceMs);
    // Checks that look on and on would fail by an answer that is only overtaken.
    const over = this.#outages.closed.filter(
      ({ toMs }) => toMs > sinceMs && toMs <= nowMs - overtakenMsMax,
    );
    return { outages: ongoing ? [...over, ongoing] : over, ongoing: ongoing !== undefined };
  }

  /** Whether it is known how packets sent after `sinceMs` fare: one was answered in time, or they are missed. */
  heardSince(sinceMs: number): boolean {
    const nowMs = this.#context.clock.nowMs();
    const { answeredSentMs } = this.#outages;
    if (this.#outages.ongoing(nowMs, this.#patienceMs)) return true;
    const mayBeOvertaken = this.#outages.closed.some(({ toMs }) => toMs > nowMs - overtakenMsMax);
    return answeredSentMs !== undefined && answeredSentMs > sinceMs && !mayBeOvertaken;
  }

  /** So soon it tells of every packet, as long as it sends any. */
  get tellsWithinMs(): number {
    return this.#patienceMs + 2 * this.probe.everyMs + overtakenMsMax + firstPacketWithinMs;
  }

  /**
   * Packets lost in outages that began in this time, and from the first to the last of them: the Loss of
   * Connectivity Period of RFC 6412. Undefined where none were.
   */
  lossBetween(fromMs: number, untilMs: number): ProbeLoss | undefined {
    const { everyMs } = this.probe;
    const intervalMs = this.#outages.intervalMs ?? everyMs;
    const { outages } = this.outagesSince(fromMs);
    // The first packet lost, not the last answer, says when one began; it was sent an interval later.
    const own = outages.filter((one) => {
      const beganMs = one.fromMs + intervalMs;
      return beganMs >= fromMs && beganMs < untilMs;
    });
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    return {
      lost: own.reduce((sum, one) => sum + one.lost, 0),
      dataPlaneMs: Math.max(0, last.toMs - first.fromMs - intervalMs),
      errorMs: intervalMs,
    };
  }

  /** Why there is nothing to learn from this probe any more; undefined while it runs. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Ends it and records what it measured. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const { lateMs } = await this.#run.stop();
    const { recorder, clock } = this.#context;
    for (const outage of this.#outages.settled(Infinity, 0)) this.#record(outage);
    const ongoing = this.#outages.ongoing(clock.nowMs(), this.#patienceMs);
    if (ongoing) this.#record(ongoing);
    const outages = [...this.#outages.closed, ...(ongoing ? [ongoing] : [])];
    const { sent, received, duplicates, late: reordered } = this.#outages.counts;
    const { rttMs, intervalMs } = this.#outages;
    recorder({
      type: "probe",
      probe: this.probe.name,
      state: "end",
      sent,
      received,
      lost: outages.reduce((sum, { lost }) => sum + lost, 0),
      outageMs: Math.max(0, ...outages.map(({ fromMs, toMs }) => toMs - fromMs)),
      ...{ duplicates, reordered },
      ...(rttMs !== undefined && { rttMs }),
      ...(intervalMs !== undefined && { intervalMs }),
      ...(lateMs !== undefined && { lateMs }),
    });
  }

  /**
   * Goes on once the place is there again. A place that is gone sends nothing: what it would have sent
   * counts as refused.
   */
  async #resume(): Promise<void> {
    const { clock, signal } = this.#context;
    const { from, to, everyMs, family } = this.probe;
    const ending = AbortSignal.any([signal, this.#stopping.signal]);
    const goneAtMs = clock.nowMs();
    let told = 0;
    while (!ending.aborted) {
      await clock.wait(resumeEveryMs, ending).catch(() => undefined);
      if (ending.aborted) return;
      for (; told < Math.floor((clock.nowMs() - goneAtMs) / everyMs); told++) {
        this.#take({ echo: "refused", atUnixMs: clock.unixAtZeroMs + clock.nowMs() });
      }
      try {
        const place = await resolvePlace(this.#context, from);
        const address = await resolveTarget(this.#context, to, family);
        if (ending.aborted) return;
        this.#sentBefore = this.#outages.highestSent;
        this.#run = this.#send(place, address);
        this.#failure = undefined;
        return;
      } catch {
        // Not yet. What keeps it is in `failure`, and the outage goes on.
      }
    }
  }

  get #patienceMs(): number {
    return Math.max(patienceMsMin, patienceIntervals * this.probe.everyMs);
  }

  #take(echo: Echo): void {
    const atMs = echo.atUnixMs - this.#context.clock.unixAtZeroMs;
    this.#outages.take(echo, atMs);
    for (const outage of this.#outages.settled(atMs, this.#patienceMs)) this.#record(outage);
    this.#saySilent(atMs);
  }

  /** Once an outage: every interval without an answer is told. */
  #saySilent(atMs: number): void {
    const ongoing = this.#outages.ongoing(atMs, this.#patienceMs);
    if (ongoing !== undefined && !this.#saidSilent) {
      const { name } = this.probe;
      this.#context.recorder({
        type: "probe",
        probe: name,
        state: "silent",
        sinceMs: ongoing.fromMs,
      });
    }
    this.#saidSilent = ongoing !== undefined;
  }

  #record(outage: Outage): void {
    // The first packet lost, not the last answer, says in which step it began.
    const step = this.#stepAt(outage.fromMs + this.probe.everyMs);
    this.#context.recorder({
      type: "outage",
      probe: this.probe.name,
      ...outage,
      errorMs: this.#outages.intervalMs ?? this.probe.everyMs,
      ...(step !== undefined && { step }),
    });
  }

  async #begun(): Promise<void> {
    const { clock, signal } = this.#context;
    const deadlineMs = clock.nowMs() + firstPacketWithinMs + this.probe.everyMs;
    while (!this.#outages.begun) {
      if (this.failure !== undefined) throw new PreconditionError(this.failure);
      if (clock.nowMs() >= deadlineMs) {
        const within = durationText(firstPacketWithinMs);
        throw new PreconditionError(
          `probe ${this.probe.name}: no packet was sent within ${within}`,
        );
      }
      await clock.wait(lookEveryMs, signal);
    }
  }
}
