import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import { jsonEqual } from "../../cilium/json-equal.ts";
import type { SimNode } from "../network.ts";
import { aggregatesOf, type LearnedRoute } from "./aggregates.ts";
import { SimSpeakerHost } from "../speaker-host.ts";
import { Zebra } from "./zebra.ts";
import { unixMsAtZero } from "../virtual-clock.ts";
import type { World } from "../world.ts";
import { emptyConfig, type FrrConfig } from "./config.ts";
import { logLine, logTime } from "./bgpd-log.ts";
import { Interpreter } from "./interpret.ts";
import { RouteMapsInForce } from "./route-maps-in-force.ts";
import { speakerConfigOf } from "./speaker-config.ts";
import type { FrrTiming } from "./timing.ts";

export type FrrOptions = {
  timing: FrrTiming;
  /** What of the configuration is not simulated, told once each. */
  onProblem: (message: string) => void;
  /** Files that the lab puts into the node; undefined: there is none of that name. */
  readFile: (path: string) => string | undefined;
};

/** FRR on one node: its configuration, and bgpd as far as a speaker can be one. */
export class FrrRouter {
  readonly node: SimNode;
  readonly world: World;
  readonly timing: FrrTiming;
  readonly #onProblem: (message: string) => void;
  readonly #readFile: (path: string) => string | undefined;
  readonly #zebra: Zebra;
  #config: FrrConfig = emptyConfig();
  #interpreter = new Interpreter(this.#config);
  /** What `write memory` wrote. */
  #saved: FrrConfig | undefined;
  #host: SimSpeakerHost | undefined;
  /** Daemons that a start brings. bgpd is there where it is configured. */
  readonly #enabled = new Set<"bgpd" | "bfdd">(["bgpd"]);
  #isRunning = false;
  #hasBfdd = false;
  #wanted: SpeakerConfig | undefined;
  #tableVersion = 0;
  #isToAggregate = false;
  #maps = new RouteMapsInForce();
  /** Since it was looked at for route maps. */
  #hasNewLines = true;
  #cancelMaps = () => {};
  /** Told once each: what of the configuration is not simulated. */
  readonly #told = new Set<string>();
  #log = "";
  readonly #stopListening: () => void;

  constructor(world: World, node: SimNode, { timing, onProblem, readFile }: FrrOptions) {
    this.world = world;
    this.node = node;
    this.timing = timing;
    this.#onProblem = onProblem;
    this.#readFile = readFile;
    this.#zebra = new Zebra(node);
    this.#readDaemons();
    this.#stopListening = node.onChange(({ change, ...rest }) => {
      const isOwn = change === "route" && "route" in rest && rest.route.protocol === "bgp";
      if (!isOwn) this.#apply();
    });
  }

  get config(): FrrConfig {
    return this.#config;
  }

  /** Undefined while bgpd does not run, or has no `router bgp`. */
  get host(): SimSpeakerHost | undefined {
    return this.#host;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Goes up with every change of a best path, as bgpd's does. */
  get tableVersion(): number {
    return this.#tableVersion;
  }

  /** Takes configuration lines. What of them is not simulated comes back: lines, and what they come to together. */
  configure(lines: readonly string[]): string[] {
    const unknown = lines.filter((line) => this.#interpreter.take(line) === "unknown");
    const before = this.#told.size;
    this.#hasNewLines = true;
    this.#apply();
    return [...unknown, ...[...this.#told].slice(before)];
  }

  enable(daemon: "bgpd" | "bfdd", isEnabled: boolean): void {
    if (isEnabled) this.#enabled.add(daemon);
    else this.#enabled.delete(daemon);
  }

  /** With what `write memory` wrote, else the lab's frr.conf. What of that is not simulated comes back. */
  start(): string[] {
    if (this.#isRunning || !this.#enabled.has("bgpd")) return [];
    this.#isRunning = true;
    this.#hasBfdd ||= this.#enabled.has("bfdd");
    const file = this.#saved === undefined ? this.#readFile("/etc/frr/frr.conf") : undefined;
    if (file !== undefined) return this.configure(file.split("\n"));
    this.#apply();
    return [];
  }

  /** Daemons that the lab's own file enables, until somebody edits it. */
  #readDaemons(): void {
    for (const line of this.#readFile("/etc/frr/daemons")?.split("\n") ?? []) {
      const [, daemon, isEnabled] = /^(\w+d)=(yes|no)$/.exec(line.trim()) ?? [];
      if (daemon === "bgpd" || daemon === "bfdd") this.enable(daemon, isEnabled === "yes");
      else if (isEnabled === "yes" && daemon !== "zebra" && daemon !== "staticd") {
        this.#onProblem(`daemon ${daemon}`);
      }
    }
  }

  /** BFD is a daemon of its own, and bgpd's sessions go on without it. */
  setBfdd(isRunning: boolean): void {
    this.#hasBfdd = isRunning;
    this.#apply();
  }

  /** `killed`: without a word. Zebra sees either, and takes the routes away. What was not saved is gone. */
  stop(how: "cease" | "killed"): void {
    this.#end(how);
    this.node.fib.removeAll((route) => route.protocol === "bgp");
    this.#zebra.stop();
    this.#setConfig(this.#saved ?? emptyConfig());
  }

  /** The node lost its power, and with it all that was not written to a file, and the files. */
  reset(): void {
    this.#end("killed");
    this.#saved = undefined;
    this.#log = "";
    this.#hasBfdd = false;
    this.#enabled.delete("bfdd");
    this.#readDaemons();
    this.#setConfig(emptyConfig());
  }

  /** `write memory`. */
  save(): void {
    this.#saved = structuredClone(this.#config);
  }

  /** `vtysh -b`. */
  readSaved(): void {
    if (this.#saved !== undefined) this.#setConfig(this.#saved);
    this.#apply();
  }

  /** What bgpd wrote to this file; undefined where it has not been told to. */
  logFile(path: string): string | undefined {
    return this.#config.logFile === path ? this.#log : undefined;
  }

  #setConfig(config: FrrConfig): void {
    this.#config = structuredClone(config);
    this.#interpreter = new Interpreter(this.#config);
    this.#cancelMaps();
    this.#maps = new RouteMapsInForce();
    this.#hasNewLines = true;
  }

  #end(how: "cease" | "killed"): void {
    this.#isRunning = false;
    void this.#host?.stop(how);
    this.#host = undefined;
    this.#wanted = undefined;
  }

  dispose(): void {
    this.#stopListening();
    this.#end("killed");
  }

  #apply(): void {
    if (this.#isRunning) this.#zebra.apply(this.#config);
    const { bgp } = this.#config;
    if (!this.#isRunning || bgp === undefined) {
      void this.#host?.stop("cease");
      this.#host = undefined;
      return;
    }
    if (this.#hasNewLines) this.#followRouteMaps();
    const router = {
      ...{ node: this.node, hasBfd: this.#hasBfdd, timing: this.timing },
      routeMaps: this.#maps.of(this.#config),
      learned: () => this.#learned(),
    };
    const wanted = speakerConfigOf({ ...this.#config, bgp }, router, (text) => {
      if (!this.#told.has(text)) this.#onProblem(text);
      this.#told.add(text);
    });
    if (this.#wanted !== undefined && jsonEqual(wanted, this.#wanted)) return;
    this.#wanted = wanted;

    const aggregates = aggregatesOf(wanted.originate);
    if (this.#host !== undefined) return this.#host.configure(wanted, aggregates);
    this.#host = new SimSpeakerHost(this.world, this.node, wanted, {
      restarting: bgp.gracefulRestart,
      softwareVersion: "FRRouting",
      log: (_level, message, peer) => this.#wrote(message, peer),
      onChanged: () => {},
      onRoutesChanged: (count) => {
        this.#tableVersion += count;
        this.#aggregateAnew();
      },
      pace: this.timing,
      installDelayMs: this.timing.zebraMs,
      resolveViaDefault: this.#config.resolvesViaDefault ?? this.#config.profile === "datacenter",
      keeper: "zebra",
      endsWithLink: bgp.fastExternalFailover,
    });
    this.#host.start(aggregates);
  }

  /** Those in use are what they were for a while, as long as there is anybody who was sent routes by them. */
  #followRouteMaps(): void {
    this.#hasNewLines = false;
    const { clock } = this.world;
    const peers = this.#host?.speaker.peers(clock.nowMs) ?? [];
    const followed = this.#maps.follow(
      this.#config,
      peers.some(({ state }) => state === "Established"),
    );
    if (followed === "same") return;
    this.#cancelMaps();
    if (followed === "done") return;
    const { routeMapMs, exportPolicyMs } = this.timing;
    const { routeMapDelaySeconds } = this.#config;
    const delayMs = routeMapDelaySeconds === undefined ? routeMapMs : 1000 * routeMapDelaySeconds;
    // Another policy waits a little by itself, which this one does not.
    const waitMs = Math.max(0, delayMs - exportPolicyMs);
    this.#cancelMaps = this.node.processes.setTimer(clock, waitMs, () => {
      this.#maps.takeUp(this.#config);
      this.#apply();
    });
  }

  #learned(): LearnedRoute[] {
    const routes = this.#host?.speaker.routesAvailable() ?? [];
    return routes
      .filter(({ peer }) => peer !== undefined)
      .map(({ prefix, attributes: { origin } }) => ({ prefix, origin }));
  }

  /** What is known has changed, and with it perhaps what there is to be aggregated. */
  #aggregateAnew(): void {
    const { ipv4, ipv6 } = this.#config.bgp!.families;
    if (this.#isToAggregate || ipv4.aggregates.length + ipv6.aggregates.length === 0) return;
    this.#isToAggregate = true;
    this.node.processes.setTimer(this.world.clock, 0, () => {
      this.#isToAggregate = false;
      this.#apply();
    });
  }

  #wrote(message: string, peer: string | undefined): void {
    if (peer === undefined || this.#config.logFile === undefined) return;
    const { nowMs } = this.world.clock;
    const status = this.#host?.speaker.peers(nowMs).find(({ name }) => name === peer);
    const line = logLine(message, peer, status?.hostname);
    if (line !== undefined) this.#log += `${logTime(unixMsAtZero + nowMs)} BGP: ${line}\n`;
  }
}
