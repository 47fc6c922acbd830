import { randomInt } from "node:crypto";
import type { Server } from "node:net";
import { setTimeout } from "node:timers/promises";
import { withObserved } from "../runtime/observed.ts";
import type { Runtime } from "../runtime/port.ts";
import { StateWatch } from "./state-watch.ts";
import { type Clock, systemClock } from "../scenario/clock.ts";
import { Names } from "../observe/names.ts";
import type { BetweenSteps, LabContext } from "../scenario/context.ts";
import { runScenario } from "../scenario/run.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import { createRecorder, openTimelineLog, type Sink, type TimelineLog } from "../timeline/log.ts";
import type { RecordBody, Recorder, TimelineRecord, Verdict } from "../timeline/record.ts";
import type { Backend, LabCluster, TimeGone } from "./backend.ts";
import { InterruptedError, LabFailedError } from "./broken-off.ts";
import { BmpListeners, sendsBmp } from "./bmp-listeners.ts";
import { Captures, capturesOf } from "./captures.ts";
import { DaemonWatch } from "./daemon-watch.ts";
import { type EvidenceFile, gatherEvidence } from "./evidence.ts";
import { deploy } from "./deploy.ts";
import { inTurn } from "./in-turn.ts";
import { checkRuntime, createBackend } from "./backends.ts";
import { noAgents, noCluster } from "./no-cluster.ts";
import { LabNodes } from "./nodes.ts";
import { controlHandler } from "./requests.ts";
import { serveControl } from "./control.ts";
import type { LabOptions, LabSpec } from "./spec.ts";
import { withObservedNodes } from "../topology/fabric.ts";
import {
  claim,
  controlSocket,
  labDirectory,
  type LabState,
  removeState,
  timelineFile,
  writeState,
} from "./state-folder.ts";
import { startedRecord } from "./started-record.ts";
import { startTimeOf } from "../sys/process-start.ts";

/**
 * A lab on this machine: its name is claimed with `open`, built with `up`, and everything of it is
 * gone after `down`, whatever happened in between. The process that opens it holds it: the kernel
 * ends the lab's sandboxes when that process ends.
 */
export class Lab {
  readonly spec: LabSpec;
  readonly records: TimelineRecord[] = [];
  readonly #backend: Backend;
  readonly #sinks = new Set<Sink>();
  readonly #timeline: TimelineLog;
  /** Of whoever waits for `up` or `play`: what dies once it is aborted is no news. */
  #caller: AbortSignal | undefined;
  readonly #fatal = new AbortController();
  readonly #record: Recorder;
  readonly #state: LabState;
  readonly #daemons: DaemonWatch;
  readonly #bmp: BmpListeners;
  readonly #nodes: LabNodes;
  readonly captures: Captures;
  #clusters: LabCluster[] = [];
  /** The scenario that the last `started` is about, until it is played. */
  #announced: Scenario | undefined;
  #control: Server | undefined;
  #up: Promise<void> | undefined;
  readonly #staysUp: boolean;
  /** A scenario that is being played. Never rejects. */
  #playing: Promise<unknown> = Promise.resolve();
  #down: Promise<void> | undefined;
  #saving: NodeJS.Immediate | undefined;
  #looking: ReturnType<typeof withObserved> | undefined;
  /** One for everything that bears a time. */
  readonly #clock: Clock;
  readonly #whenDown = Promise.withResolvers<void>();

  private constructor(
    spec: LabSpec,
    { sinks, staysUp = false }: Pick<LabOptions, "sinks" | "staysUp">,
    backend: Backend,
  ) {
    this.spec = spec;
    this.#staysUp = staysUp;
    this.#clock = backend.clock ?? systemClock(performance.now());
    this.#state = {
      lab: spec.name,
      runtime: spec.runtime,
      supervisor: { pid: process.pid, startTime: startTimeOf(process.pid)! },
      phase: "deploying",
      startedAt: new Date().toISOString(),
      nodes: {},
      pods: {},
      fabric: spec.fabric,
      manifests: spec.manifests,
      replay: spec.replay,
    };
    claim(this.#state);
    this.#timeline = openTimelineLog(timelineFile(spec.name), (error) => this.#fail(error.message));
    for (const sink of sinks) this.#sinks.add(sink);
    this.#record = createRecorder(
      () => this.#clock.nowMs(),
      [
        (record) => {
          this.records.push(record);
          this.#timeline.write(record);
          for (const sink of this.#sinks) sink(record);
        },
      ],
    );
    this.#backend = backend;
    this.captures = new Captures(`${labDirectory(spec.name)}/captures`);
    this.#daemons = new DaemonWatch(backend, (node, daemon) => {
      this.#fail(`the daemon ${daemon} of ${node} ended, and nothing had asked it to`, { node });
    });
    this.#bmp = new BmpListeners({
      runtime: () => this.runtime,
      listenIn: backend.listenIn,
      record: this.#record,
    });
    this.#nodes = new LabNodes({
      fabric: spec.fabric,
      runtime: () => this.runtime,
      clusters: () => this.#clusters,
      daemons: this.#daemons,
      bmp: this.#bmp,
      record: this.#record,
      onChanged: () => this.#saveState(this.#state.phase),
    });
  }

  /** Checks the machine and takes the name. Throws EnvironmentError or LabExistsError; then nothing was created. */
  static async open(spec: LabSpec, options: LabOptions): Promise<Lab> {
    checkRuntime(spec);
    const lab = new Lab(spec, options, await createBackend(spec));
    lab.#begin(options.scenario);
    try {
      lab.#control = await serveControl(controlSocket(spec.name), controlHandler(lab), (error) =>
        lab.#record({ type: "log", level: "warn", message: `control socket: ${error.message}` }),
      );
    } catch (error) {
      await lab.down();
      throw error;
    }
    return lab;
  }

  /** A run begins: to deploy the lab, or to play one more scenario on it. */
  #begin(scenario: Scenario | undefined): void {
    this.#announced = scenario;
    this.#record(startedRecord(this.spec, this.#clock.unixAtZeroMs, scenario));
  }

  /** Nodes, links, exec lines, Kubernetes. On an error the lab is left as it is, for `evidence`. */
  up(signal: AbortSignal = new AbortController().signal): Promise<void> {
    this.#up ??= this.#deploy(signal);
    return this.#up;
  }

  /** Settles as `up` does, once that was called. */
  async whenUp(): Promise<void> {
    await this.#up;
  }

  /** Resolves when `down` has ended. */
  whenDown(): Promise<void> {
    return this.#whenDown.promise;
  }

  async #deploy(signal: AbortSignal): Promise<void> {
    const beganMs = this.#clock.nowMs();
    const ending = AbortSignal.any([signal, this.#fatal.signal]);
    this.#caller = signal;
    try {
      await deploy({
        ...{ spec: this.spec, backend: this.#backend, runtime: () => this.runtime },
        ...{ record: this.#record, signal: ending, nowMs: () => this.#clock.nowMs() },
        bmpStation: (node) => this.#bmp.stationOf(node),
        onLinked: () =>
          void this.captures.start(this.runtime, this.spec.captures ?? [], this.#record),
        onBuilt: (clusters) => {
          this.#clusters = clusters;
          this.#saveState("deploying");
        },
        stopNode: (node) => this.#nodes.stop(node),
        onRouters: async (nodes) =>
          void (await Promise.all([this.#daemons.start(nodes), this.#bmp.look(nodes)])),
        onDeath: (node, what, exitCode, last) => {
          const message = `the ${what} of ${node} ended with status ${exitCode}`;
          this.#fail(message, { node, output: last });
        },
        onLost: (error) => this.#fail(error.message, { remedy: error.remedy }, error),
        onPodsChanged: () => this.#saveStateSoon(),
      });
      this.#saveState("up");
      this.#record({
        type: "stage",
        stage: "deployed",
        state: "end",
        tookMs: this.#clock.nowMs() - beganMs,
      });
    } catch (error) {
      this.#saveState("failed");
      throw this.#causeOf(error, signal);
    } finally {
      this.#caller = undefined;
    }
  }

  /** Plays a scenario to its verdict. Rejects where something of the lab dies, or it is taken down meanwhile. */
  play(
    scenario: Scenario,
    signal: AbortSignal,
    betweenSteps: BetweenSteps = {},
    seed?: number,
  ): Promise<Verdict> {
    const played = this.#play(scenario, signal, betweenSteps, seed);
    this.#playing = played.catch(() => undefined);
    return played;
  }

  async #play(
    scenario: Scenario,
    signal: AbortSignal,
    betweenSteps: BetweenSteps,
    seed: number | undefined,
  ): Promise<Verdict> {
    if (this.#announced !== scenario) this.#begin(scenario);
    this.#announced = undefined;
    this.#caller = signal;
    const captures = capturesOf(this.spec.fabric, scenario);
    await Promise.all([
      this.captures.start(this.runtime, captures, this.#record),
      // Their configuration may be another since the last scenario.
      this.#bmp.look(this.spec.fabric.nodes.filter(sendsBmp).map(({ name }) => name)),
    ]);
    const watch = new StateWatch(
      this.runtime,
      withObservedNodes(this.spec.fabric),
      this.#record,
      scenario,
    );
    try {
      const outcome = await runScenario(
        { ...this.context(signal, seed), betweenSteps: watch.around(betweenSteps) },
        scenario,
      );
      this.conclude(outcome.verdict, outcome.reason);
      return outcome.verdict;
    } catch (error) {
      throw this.#causeOf(error, signal);
    } finally {
      this.#caller = undefined;
    }
  }

  /** What scenarios act upon, and whoever else looks at the lab as they do. */
  context(signal: AbortSignal, seed = this.spec.seed ?? randomInt(seedMax)): LabContext {
    const fabric = withObservedNodes(this.spec.fabric);
    const [cluster] = this.#clusters;
    return {
      fabric,
      runtime: this.runtime,
      kube: cluster?.port ?? noCluster,
      agents: cluster?.agents ?? noAgents,
      bmp: this.#bmp,
      nodes: this.#nodes,
      recorder: this.#record,
      clock: this.#clock,
      seed,
      signal: AbortSignal.any([signal, this.#fatal.signal]),
      staysUp: () => this.#staysUp && this.#down === undefined,
      names: new Names(this.runtime, fabric),
    };
  }

  get runtime(): Runtime {
    const { observed = [] } = this.spec.fabric;
    this.#looking ??= withObserved(this.#backend.runtime, observed, process.env);
    return this.#looking.runtime;
  }

  /** Lets virtual time go on until nothing moves any more; undefined where time goes on by itself. */
  async untilStill(atLeastMs: number, signal: AbortSignal): Promise<TimeGone | undefined> {
    return this.#backend.untilStill?.(atLeastMs, signal);
  }

  /** What the timeline and the state folder cannot tell afterwards. */
  async evidence(): Promise<EvidenceFile[]> {
    const [files, captured] = await Promise.all([
      gatherEvidence(this.spec.name, this.spec.fabric, () => this.runtime),
      this.captures.take(),
    ]);
    return [...files, ...captured];
  }

  /** The control socket of the lab's folder follows records with this. Returns how to stop. */
  follow(sink: Sink): () => void {
    for (const record of this.records) sink(record);
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  /** Writes the verdict: the scenario's own, or that of a run that came to none. */
  conclude(verdict: Verdict, reason?: string): void {
    const checks = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
    const at = this.records.findLastIndex((record) => record.type === "started");
    for (const record of this.records.slice(at)) {
      if (record.type === "check") checks[record.verdict] += 1;
    }
    this.#record({
      type: "verdict",
      verdict,
      tookMs: this.#clock.nowMs() - this.records[at]!.atMs,
      checks,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  record(body: RecordBody): void {
    this.#record(body);
  }

  /**
   * Takes everything down. What is being built or played ends at once. A second call waits for the first. Throws
   * where something is left: then the lab's folder is, too, by which a later command finds it.
   */
  down(): Promise<void> {
    this.#down ??= this.#takeDown();
    return this.#down;
  }

  /** What is made while all is taken away would be left. */
  async #endWork(): Promise<void> {
    this.#fatal.abort(new InterruptedError("the lab was taken down"));
    await this.#up?.catch(() => undefined); // Whoever asked for it is told.
    await Promise.race([this.#playing, setTimeout(partingMsMax, undefined, { ref: false })]);
  }

  async #takeDown(): Promise<void> {
    const beganMs = this.#clock.nowMs();
    try {
      this.#saveState("going down");
    } catch {
      // It is for others to know. A disk that is full keeps no lab up.
    }
    this.#daemons.stop();
    for (const cluster of this.#clusters) cluster.agents.expectAllToEnd();
    try {
      await inTurn([
        () => this.#endWork(),
        () => this.captures.stop(),
        () => this.#looking?.close(),
        () => this.#backend.down(),
        // Asked for only now: a lab that was being built may have come to its clusters meanwhile.
        () => inTurn(this.#clusters.map((each) => () => each.close())),
      ]);
      removeState(this.spec.name);
    } finally {
      this.#record({ type: "down", tookMs: this.#clock.nowMs() - beganMs });
      this.#control?.close();
      this.#timeline.close();
      this.#whenDown.resolve();
    }
  }

  /** Something died: nothing that is measured from here on would mean anything. */
  #fail(
    message: string,
    more: { node?: string; output?: string; remedy?: string } = {},
    error: Error = new LabFailedError(message),
  ): void {
    if (this.#down || this.#caller?.aborted) return;
    this.#record({ type: "failure", message, ...more });
    this.#fatal.abort(error);
  }

  /** Work that was stopped says only that it was stopped: what stopped it is the reason. */
  #causeOf(error: unknown, signal: AbortSignal): unknown {
    if (this.#fatal.signal.aborted) return this.#fatal.signal.reason;
    return signal.aborted ? signal.reason : error;
  }

  /** Pods come by hundreds: once for all of a moment. */
  #saveStateSoon(): void {
    if (!this.#saving) this.#saving = setImmediate(() => this.#saveState(this.#state.phase));
  }

  #saveState(phase: LabState["phase"]): void {
    this.#saving = undefined;
    if (this.#down) return;
    this.#state.phase = phase;
    Object.assign(this.#state, this.#backend.entries());
    writeState(this.#state);
  }
}

/** Of a seed that is drawn: short enough to type. */
const seedMax = 1_000_000;

/** A command of a scenario that takes longer ends with its node. */
const partingMsMax = 5_000;
