import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import type { RouteChange } from "../../runtime/port.ts";
import type { FrrTiming } from "../../sim/frr/timing.ts";
import { Lab } from "../lab.ts";
import { loadLab } from "../load.ts";
import { intervals, type LogLine, parseLog } from "./frr-log.ts";

const topology = fileURLToPath(new URL("routers.clab.yaml", import.meta.url));
const logFile = "/var/log/frr/bgpd.log";
const lookEveryMs = 20;
const limitMs = 30_000;
/** Neighbors of `a` that somebody is. */
const peers = 2;
/** Neighbors that nobody is, to see what each costs. */
const morePeers = 8;

/**
 * Measures FRR's own times on routers in namespaces. Each is the least of several runs: a timer is never early,
 * and what a busy machine adds is not FRR's. `tell`: how far it is.
 */
export async function calibrate(options: {
  runs: number;
  signal: AbortSignal;
  tell: (text: string) => void;
}): Promise<FrrTiming> {
  const { runs, signal, tell } = options;
  const { spec } = loadLab(
    { topology, clusters: [], manifests: [], name: `calibrate-${process.pid}` },
    "spinelab calibrate",
    { kind: "netns" },
  );
  const lab = await Lab.open(spec, { sinks: [] });
  try {
    await lab.up(signal);
    const bench = new Bench(lab, signal);
    const version = /FRRouting (\S+)/.exec(await bench.exec("a", ["vtysh", "-c", "show version"]));
    tell(`FRR ${version?.[1]}: sessions, ${runs} runs`);
    const loads = [load()];
    await bench.routeTo("10.0.0.1/32");
    await bench.routeTo("10.0.0.1/32", "c");
    const changed = new Map<string, number>();
    const stop = lab.runtime.watchRoutes(["b"], ({ change, prefix, atMs }: RouteChange) => {
      if (change === "add") changed.set(prefix, performance.timeOrigin + atMs);
    });
    for (let run = 1; run <= runs; run++) {
      await bench.exec("a", ["ip", "addr", "add", `10.9.0.${run}/32`, "dev", "lo"]);
      await bench.routeTo(`10.9.0.${run}/32`);
      tell(`a new route: ${run} of ${runs}`);
    }
    stop();
    await bench.askAgain(runs);
    tell("routes sent again to one of a group");
    loads.push(load());
    const b = await bench.log("b");
    const told = await bench.log("a");
    const resets = async () => {
      const from = (await bench.log("a")).length;
      for (let run = 1; run <= runs; run++) {
        await bench.reset();
        tell(`a session reset: ${run} of ${runs}`);
      }
      return (await bench.log("a")).slice(from);
    };
    const begun = await bench.log("a");
    const few = await resets();
    const lines = Array.from(
      { length: morePeers },
      (_, i) => ` neighbor 192.0.2.${i + 1} remote-as 65100`,
    );
    await bench.configure(["router bgp 65001", ...lines]);
    const many = await resets();
    // The first leaves the group, which the log does not tell.
    await bench.exportOtherwise(runs + 1);
    tell("another route map on the way out");
    await bench.originateDefault();
    tell("a default route that waits for another route");
    const vtyshMs: number[] = [];
    for (let run = 1; run <= runs; run++) vtyshMs.push(await bench.configure(["hostname a"]));
    tell("a neighbor that nobody is: twice the connect retry time");
    await bench.logged("the second attempt at a neighbor", connectRetry.to, 2);
    loads.push(load());
    const busiest = Math.max(...loads);
    const warning = busyWarning(busiest, availableParallelism());
    if (warning !== undefined) tell(warning);
    const firstUpdate = [few, many].map((log) =>
      least(intervals(log, / Up$/, /coalesce timer expiry/)),
    );
    const perPeerMs = (firstUpdate[1]! - firstUpdate[0]!) / morePeers;
    return {
      measured: {
        ...{ frr: version?.[1] ?? "?", at: new Date().toISOString().slice(0, 10), runs },
        ...{ load: busiest, processors: availableParallelism() },
      },
      changesMs: rounded(
        least(intervals(b, /rcvd 10\.9\.0\.\d+\/32/, /Tx route add VRF 0 10\.9\.0\.\d+\/32/)),
      ),
      firstUpdateMs: rounded(firstUpdate[0]! - peers * perPeerMs),
      firstUpdatePerPeerMs: rounded(perPeerMs),
      exportPolicyMs: rounded(
        least(intervals(await bench.log("a"), / peer 10\.0\.1\.2 moved to /, announcesAnew)),
      ),
      announceInGroupMs: rounded(
        least(intervals(told, /10\.0\.1\.2\S* sending REFRESH_REQ/, sendsAgain)),
      ),
      routeMapMs: rounded(
        least(
          intervals(await bench.log("a"), /match ip address prefix-list WANTED/, routeMapCounts),
        ),
      ),
      defaultOriginateMs: rounded(
        least(
          intervals(await bench.log("a"), /announce_selected: p=10\.8\.0\.1\/32/, defaultRoute),
        ),
      ),
      zebraMs: rounded(least(toKernel(b, changed))),
      advertisementIntervalMs: rounded(waitOf(told)),
      startMs: rounded(
        least(
          intervals(
            begun,
            /Creating Default VRF/,
            /10\.0\.1\.2 \[FSM\] BGP_Start \(Idle->Connect\)/,
          ),
        ),
      ),
      idleHoldMs: rounded(
        least(intervals(few, / Down /, /10\.0\.1\.2 \[FSM\] BGP_Start \(Idle->Connect\)/)),
      ),
      clearingMs: rounded(
        least(intervals(few, /went from Established to Clearing/, /went from Clearing to Idle/)),
      ),
      connectRetryMs: rounded(
        least(intervals(await bench.log("a"), connectRetry.from, connectRetry.to)),
      ),
      vtyshMs: rounded(least(vtyshMs)),
    };
  } finally {
    await lab.down();
  }
}

/** Of the first of the neighbors that nobody is. */
const connectRetry = {
  from: /192\.0\.2\.1 went from Connect to Active/,
  to: /192\.0\.2\.1 \[FSM\] Timer \(connect timer expire\)/,
};

const announcesAnew = /announcing routes to 10\.0\.1\.2/;
const sendsAgain = / 10\.0\.1\.2 announcing routes/;
const routeMapCounts = /announcing default upon default routemap DEFAULT change/;
const defaultRoute = /send UPDATE 0\.0\.0\.0\/0 nexthop/;

/** What is quicker has not waited. */
const timerMsMin = 1;

/** How long what has been chosen waits to be sent, where something else was sent to the same peer just before. */
function waitOf(log: readonly LogLine[]): number {
  const chosen = /announce_selected: p=10\.9\.0\.\d+\/32, selected=0x/;
  const waitMs = least(intervals(log, chosen, /send UPDATE 10\.9\.0\.\d+\/32/));
  return waitMs < timerMsMin ? 0 : waitMs;
}

/** Over the last minute. */
function load(): number {
  return Math.round(10 * loadavg()[0]!) / 10;
}

/** Undefined where the machine has little else to do. */
export function busyWarning(loadAverage: number, processors: number): string | undefined {
  if (loadAverage <= processors / 2) return undefined;
  return `warning: the machine is busy (load ${loadAverage} on ${processors} processors): how long zebra and vtysh take is more its doing than FRR's; measure again when it is quiet`;
}

/** From what bgpd told zebra to the kernel's route. */
function toKernel(log: readonly LogLine[], changed: ReadonlyMap<string, number>): number[] {
  return log.flatMap(({ atMs, text }) => {
    const prefix = /Tx route add VRF 0 (10\.9\.0\.\d+)\/32/.exec(text)?.[1];
    const thereMs = prefix && (changed.get(`${prefix}/32`) ?? changed.get(prefix));
    return thereMs === undefined || thereMs === "" ? [] : [thereMs - atMs];
  });
}

function least(values: readonly number[]): number {
  if (values.length === 0) throw new Error("FRR's log does not have what is to be measured");
  return Math.min(...values);
}

/** To a tenth of a millisecond. */
function rounded(ms: number): number {
  return Math.round(10 * ms) / 10;
}

/** The routers, as they are measured. */
class Bench {
  readonly #lab: Lab;
  readonly #signal: AbortSignal;

  constructor(lab: Lab, signal: AbortSignal) {
    this.#lab = lab;
    this.#signal = signal;
  }

  async exec(node: string, argv: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#lab.runtime.exec({ node }, argv);
    if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** On `a`. Returns how long that took. */
  async configure(lines: readonly string[]): Promise<number> {
    const argv = ["vtysh", ...["conf t", ...lines].flatMap((line) => ["-c", line])];
    const beganMs = performance.now();
    await this.exec("a", argv);
    return performance.now() - beganMs;
  }

  async log(node: string): Promise<LogLine[]> {
    return parseLog(await this.exec(node, ["cat", logFile]));
  }

  /** Until the node's kernel has a route to it. */
  async routeTo(prefix: string, node = "b"): Promise<void> {
    await this.#until(`a route of ${node} to ${prefix}`, async () => {
      return (await this.exec(node, ["ip", "route", "show", prefix])) !== "";
    });
  }

  /** `b` asks for all routes again, so many times. */
  async askAgain(times: number): Promise<void> {
    for (let time = 1; time <= times; time++) {
      await this.exec("b", ["vtysh", "-c", "clear bgp 10.0.1.1 soft in"]);
      await this.logged("routes sent again", sendsAgain, time);
    }
  }

  /** `c` is sent a default route as long as there is 10.8.0.1/32, which then comes from `b`. */
  async originateDefault(): Promise<void> {
    await this.configure([
      ...["ip prefix-list WANTED permit 10.8.0.1/32", "route-map DEFAULT permit 10"],
      ...["match ip address prefix-list WANTED", "router bgp 65001"],
      ...["address-family ipv4 unicast", "neighbor 10.0.2.2 default-originate route-map DEFAULT"],
    ]);
    // It is looked at once more when the route map's lines count.
    await this.logged("the route map", routeMapCounts, 1);
    await this.exec("b", ["ip", "addr", "add", "10.8.0.1/32", "dev", "lo"]);
    await this.logged("a default route", defaultRoute, 1);
  }

  /** A session ends and is back, with all routes. */
  async reset(): Promise<void> {
    const firstUpdate = /coalesce timer expiry/;
    const before = await this.#count(firstUpdate);
    await this.exec("a", ["vtysh", "-c", "clear bgp 10.0.1.2"]);
    await this.logged("the session's first UPDATE", firstUpdate, before + 1);
  }

  /** `a` gives the session another route map so many times. */
  async exportOtherwise(times: number): Promise<void> {
    for (let time = 1; time <= times; time++) {
      const before = await this.#count(announcesAnew);
      await this.configure([
        ...[`route-map OUT-${time} permit 10`, `set metric ${time}`, "router bgp 65001"],
        ...["address-family ipv4 unicast", `neighbor 10.0.1.2 route-map OUT-${time} out`],
      ]);
      await this.logged("routes sent by another route map", announcesAnew, before + 1);
    }
  }

  /** Until `a` has logged it so often. */
  async logged(what: string, line: RegExp, times: number): Promise<void> {
    await this.#until(what, async () => (await this.#count(line)) >= times);
  }

  async #count(line: RegExp): Promise<number> {
    return (await this.log("a")).filter(({ text }) => line.test(text)).length;
  }

  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#lab.context(this.#signal);
    const deadlineMs = clock.nowMs() + limitMs;
    while (!(await look())) {
      if (clock.nowMs() > deadlineMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
      await clock.wait(lookEveryMs, this.#signal);
    }
  }
}
