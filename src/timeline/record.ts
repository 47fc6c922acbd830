import type { StateChange } from "./state.ts";

/**
 * The timeline: one append-only log of what happened in a lab. The terminal, JUnit, JSON and the web
 * page are readings of these records and of nothing else. Times are milliseconds since the run
 * began, from one monotonic clock; `started` carries the wall-clock time of zero.
 */
export type TimelineRecord = { atMs: number } & RecordBody;

export type Verdict = "pass" | "fail" | "warn" | "inconclusive";

export type RecordBody =
  | {
      type: "started";
      lab: string;
      /** ISO 8601 time at which atMs is 0. */
      wallClock: string;
      runtime: "netns" | "docker" | "sim";
      spinelab: string;
      /** What made the run, as a command line that repeats it. */
      replay: string;
      topology: TopologyPicture;
      scenario?: { name: string; summary?: string; file: string; steps: string[] };
    }
  /** A stage of deploying or of tearing down: `sandboxes`, `links`, `exec`, `kubernetes`, … */
  | { type: "stage"; stage: string; state: "begin" | "end"; detail?: string; tookMs?: number }
  /** A command run in a node on the topology's, the scenario's or the user's behalf. */
  | {
      type: "exec";
      node: string;
      command: string;
      exitCode: number;
      stdout: string;
      stderr: string;
      tookMs: number;
      allowedToFail?: boolean;
    }
  | {
      type: "step";
      index: number;
      name: string;
      state: "begin";
      /** How long its checks may take to come true. */
      withinMs?: number;
    }
  | {
      type: "step";
      index: number;
      name: string;
      state: "end";
      verdict: Verdict;
      tookMs: number;
      /** From the step's first event to the last RIB or FIB change seen; absent where the step has no event. */
      convergeMs?: number;
    }
  /** An event of a step took effect. `text` says it for people: `link router0:net1 – tor1:net0 down`. */
  | {
      type: "event";
      step: number;
      kind: string;
      text: string;
      tookMs: number;
      error?: string;
      /** What it did to the fabric: the pictures follow this, never `text`. */
      changes?: FabricChange[];
    }
  /**
   * A check was looked at and is not true yet. Written at the first such look and then when what was
   * seen has changed; `check` with the same step and index ends the waiting.
   */
  | {
      type: "waiting";
      step: number;
      index: number;
      kind: string;
      text: string;
      expected: string;
      seen: string;
      looks: number;
    }
  /** A check reached its verdict. */
  | {
      type: "check";
      step: number;
      index: number;
      kind: string;
      /** The check for people: `session router0 → tor0 Established`. */
      text: string;
      verdict: Verdict;
      expected: string;
      seen: string;
      /** file:line of the check. */
      source?: string;
      /** From the beginning of waiting to the verdict. */
      tookMs: number;
      /** Times the state was looked at. */
      looks: number;
      /** Where it did not pass: the time of the first look at which the same was wrong with it, as at every later one. */
      sinceMs?: number;
      /** Where it did not pass: what was not as expected, if the check can tell. */
      differs?: string;
    }
  | { type: "probe"; probe: string; state: "begin"; from: string; to: string; everyMs: number }
  /** Answers stopped at `sinceMs`. `outage` follows when they are back, at the latest before `end`. */
  | { type: "probe"; probe: string; state: "silent"; sinceMs: number }
  /**
   * Packets lost in a row: from the last answer before to the first answer after. The cut itself took an
   * interval less, give or take `errorMs`, which is the interval.
   */
  | {
      type: "outage";
      probe: string;
      fromMs: number;
      toMs: number;
      lost: number;
      errorMs?: number;
      step?: number;
    }
  | {
      type: "probe";
      probe: string;
      state: "end";
      sent: number;
      received: number;
      lost: number;
      /** Longest outage. */
      outageMs: number;
      /** Mean time from one packet to the next as measured: outages are known no better than this. */
      intervalMs?: number;
      /** By how much a packet was sent too late, at worst; where the runtime knows. */
      lateMs?: number;
      /** Answers that came twice, and those that later ones overtook. */
      duplicates?: number;
      reordered?: number;
      /** Round trip of the answers, milliseconds. */
      rttMs?: { min: number; median: number; max: number };
    }
  /** What the events of a step did, once routes had come to rest. */
  | {
      type: "measures";
      step: number;
      events: EventMeasures[];
      /** BGP UPDATE messages of each router during the step. */
      updates: Record<string, { received: number; sent: number }>;
      /** Messages of the routers that speak BMP, since the step's first event. */
      bmp?: Record<string, BmpCounts>;
      /** Where probes ran: what each link carried meanwhile. */
      links?: LinkTraffic[];
    }
  /** A route of a node changed: in the kernel's table or in a router's BGP table. */
  | {
      type: "routeChange";
      node: string;
      table: "fib" | "rib";
      change: "add" | "delete" | "version";
      prefix?: string;
      via?: string;
      /** Told by BMP (RFC 7854): in which of the router's tables, and of whose routes. */
      rib?: BmpRib;
      peer?: string;
      /** And when by the router's own clock, where it says that. */
      routerAtMs?: number;
    }
  /** A BGP session of a router came up or went down, as the router told by BMP. */
  | {
      type: "sessionChange";
      node: string;
      peer: string;
      state: "up" | "down";
      /** Of one that went down. */
      reason?: string;
      routerAtMs?: number;
    }
  /**
   * Sessions, BGP and kernel tables of every node, as changes against the `state` before; the first
   * one, without `step`, against nothing. After each step that has events.
   */
  | { type: "state"; step?: number; changes: StateChange[] }
  | { type: "log"; node?: string; level: "debug" | "info" | "warn" | "error"; message: string }
  /** Something failed outside a check: a daemon or an agent died, a line was rejected. */
  | {
      type: "failure";
      node?: string;
      message: string;
      command?: string;
      output?: string;
      remedy?: string;
    }
  | {
      type: "verdict";
      verdict: Verdict;
      tookMs: number;
      checks: { pass: number; fail: number; warn: number; inconclusive: number };
      reason?: string;
    }
  | { type: "down"; tookMs: number };

/** Adj-RIB-In before and after policy (RFC 7854), Loc-RIB (RFC 9069), Adj-RIB-Out (RFC 8671). */
export type BmpRib = "pre-policy" | "post-policy" | "loc-rib" | "adj-rib-out";

/** Each Route Monitoring message holds one UPDATE, as the router packs them for its station (RFC 7854 §4.6). */
export type BmpCounts = { routeMonitoring: number; peerUp: number; peerDown: number };

export type EventMeasures = {
  text: string;
  /** The Convergence Event Instant (RFC 6412). */
  atMs: number;
  /** To the last change of a table before the next event; absent where nothing changed. */
  controlPlaneMs?: number;
  /** The same of each node whose tables changed. */
  nodesMs: Record<string, number>;
  /** By probe, where it lost something. */
  probes?: Record<string, ProbeLoss>;
};

/** `dataPlaneMs`: from the first packet lost to the last, give or take `errorMs`. */
export type ProbeLoss = { lost: number; dataPlaneMs: number; errorMs: number };

/** Packets that arrived at either end of a link. */
export type LinkTraffic = {
  link: TopologyPicture["links"][number];
  packets: { toA: number; toB: number };
};

/** A link or a node is in another state from now on. `degraded`: it runs, its agent or a daemon does not. */
export type FabricChange =
  | {
      link: TopologyPicture["links"][number];
      state: "up" | "down" | "impaired";
    }
  | { node: string; state: "up" | "down" | "paused" | "degraded" };

/** What the pictures of a fabric are drawn from. */
export type TopologyPicture = {
  nodes: {
    name: string;
    /** `spine`, `leaf`, `kubernetes`, `host`: the row it is drawn in. */
    role: "spine" | "leaf" | "kubernetes" | "host";
    /** For people: `AS 65010`, `podCIDR 10.1.3.0/24`. */
    notes: string[];
    aliases: string[];
  }[];
  links: { a: { node: string; interface: string }; b: { node: string; interface: string } }[];
};

/** Where records go: a file, the control socket, a list in a test. */
export type Recorder = (body: RecordBody) => void;
