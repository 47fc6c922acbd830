import type { ReferenceOf } from "../../topology/references.ts";
import type { Family } from "../../net/address.ts";
import type { Impairment } from "../../runtime/impairments.ts";
import type { Manifest } from "../../topology/manifests.ts";

/**
 * A scenario as read: durations in milliseconds, percentages as numbers 0–100, references parsed
 * but not looked up, shorthand spelled out. docs/scenario-format.md teaches the file itself.
 */
export type Scenario = {
  /** As given to readScenario. */
  file: string;
  name: string;
  summary?: string;
  /** The whole of it takes no longer. */
  limitMs?: number;
  /** Interfaces whose packets are kept, as evidence. */
  captures: ReferenceOf<"interface">[];
  /** What measures may be at most over the runs of `--repeat`. */
  spread: SpreadLimit[];
  steps: Step[];
};

/** `of`: the step that converges, the probe whose longest outage counts. At least one limit is set. */
export type SpreadLimit = {
  measure: "converge" | "outage";
  of: string;
  medianMs?: number;
  p95Ms?: number;
  worstMs?: number;
  /** file:line. */
  source: string;
};

export type Step = {
  name: string;
  /** file:line. */
  source: string;
  /** The checks must all hold at one look within this time, counted from the step's events. 0: one look. */
  withinMs: number;
  /** Having come to hold, the checks must go on holding for this time. 0: no need. */
  forMs: number;
  /** `converge:` of the step: the last RIB or FIB change comes at most so long after the first event. */
  convergeMs?: number;
  /** Start with the step, before its events, and run until the last step whose `outage` names them. */
  probes: Probe[];
  /** One after the other, each `afterMs` after the one before took effect. */
  events: ScenarioEvent[];
  checks: Check[];
  /** These must not hold at any moment of the step. */
  never: Check[];
  /** It runs at the same time as the step before it. */
  beside: boolean;
};

/** Pings all the time, so that an outage can be measured. */
export type Probe = {
  name: string;
  source: string;
  from: Place;
  to: Target;
  /** Of the target's addresses; undefined: IPv4 where it has one. */
  family?: Family;
  everyMs: number;
};

/** Where a command runs or a packet starts. */
export type Place = ReferenceOf<"node" | "pod">;

/** Where a packet goes. A node: its node-ip in Kubernetes, else its loopback, else its first address. */
export type Target = ReferenceOf<"node" | "pod" | "interface" | "loopback" | "service" | "address">;

/** What a route leads to. A loopback, interface or service stands for its /32 or /128. */
export type Destination = ReferenceOf<"prefix" | "podCIDR" | "loopback" | "service">;

/** A next hop: a node by any of its addresses, or one address. */
export type NextHop = ReferenceOf<"node" | "address">;

/** Inclusive on both ends; at least one end is set. `5` is `{ atLeast: 5, atMost: 5 }`. */
export type Bounds = { atLeast?: number; atMost?: number };

/** How text must look. A plain string in the file means `contains`. */
/** What a path carries: each of these at least, or these and no others. */
export type Carried = { includes: string[] } | { exactly: string[] };

export type TextMatch = { contains: string } | { equals: string } | { matches: RegExp };

/** A Kubernetes object by name. */
export type ResourceReference = {
  /** Only where two groups have the kind. */
  apiVersion?: string;
  kind: string;
  /** `default` where the kind has namespaces and the file names none. */
  namespace?: string;
  name: string;
};

// --- Events -------------------------------------------------------------------------------------

/** Common to all events. */
export type EventTiming = {
  /** file:line. */
  source: string;
  /** Wait before the event, from the moment the event before it took effect. 0: none. */
  afterMs: number;
  /** Take the event back so long after it took effect. */
  undoAfterMs?: number;
  /** So many times in all; 1 where the file says nothing. */
  times: number;
  /** From one time to the next; undefined: as soon as it is done, `undoAfter` included. */
  everyMs?: number;
};

export type ScenarioEvent = EventTiming & EventBody;
export type EventKind = EventBody["kind"];
export type EventOf<K extends EventKind> = EventTiming & Extract<EventBody, { kind: K }>;

export type NodeAction = "stop" | "start" | "restart" | "pause" | "unpause" | "leave";

export type EventBody =
  /** Every link the reference names: `linksOf` of check-scenario.ts finds them. */
  | { kind: "link"; link: LinkReference; set: "up" | "down" }
  /** A bad cable: what the node `from` sends, or both ends. `impair` undefined: as new. */
  | { kind: "link"; link: LinkReference; set: "impair"; impair?: Impairment; from?: string }
  /**
   * The BGP process of a Kubernetes node. stop: SIGTERM; kill: SIGKILL; restart: SIGTERM, then
   * start. Whether peers keep its routes is for CiliumBGPPeerConfig's gracefulRestart to say.
   */
  | { kind: "agent"; on: string; action: "restart" | "upgrade" | "kill" | "stop" | "start" }
  /** A BGP attribute of what a router sends to a neighbor (asPathPrepend, med) or takes from it (localPreference). */
  | {
      kind: "metric";
      of: "bgp";
      on: string;
      /** Undefined: every neighbor. */
      neighbor?: NextHop;
      /** Undefined: every prefix. */
      prefix?: Destination;
      /** Times the router's own AS is put in front; 0 takes an earlier prepend away. */
      asPathPrepend?: number;
      med?: number;
      localPreference?: number;
    }
  /** The metric of a kernel route: added anew with this metric, then the old one deleted. */
  | {
      kind: "metric";
      of: "route";
      on: string;
      route: "default" | Destination;
      /** Of `default` and of a podCIDR; undefined: IPv4 where there is one. */
      family?: Family;
      via?: ReferenceOf<"address" | "interface" | "node">;
      metric: number;
    }
  /** The OSPF cost of a router's interface (RFC 2328 §C.3). */
  | { kind: "metric"; of: "ospf"; on: ReferenceOf<"interface">; cost: number }
  /** Lines typed into the router's configuration mode, in order. */
  | { kind: "config"; on: string; lines: string[] }
  /** A routing daemon. `daemon` undefined: all of the router's. */
  | { kind: "daemon"; on: string; daemon?: string; action: "restart" | "kill" | "stop" | "start" }
  /** stop: a power cut. leave: the Node object is deleted, then stop. */
  | { kind: "node"; on: string; action: NodeAction }
  /** The node's default route: `ip route replace|add|delete default via …`. */
  | {
      kind: "gateway";
      on: string;
      action: "replace" | "add" | "delete";
      /** Of the default route; undefined: that of an address in `via`, else IPv4. */
      family?: Family;
      via: ReferenceOf<"address" | "interface" | "node">;
      metric?: number;
    }
  /** Objects of manifest files and inline ones, in order. */
  | { kind: "apply"; manifests: Manifest[] }
  /** An RFC 7386 merge patch. */
  | { kind: "patch"; resource: ResourceReference; merge: Record<string, unknown> }
  | { kind: "delete"; resource: ResourceReference }
  | { kind: "exec"; on: Place; command: string; argv: string[]; allowFailure: boolean }
  | { kind: "scale"; resource: ResourceReference; replicas: number }
  /** Cuts every link between these nodes and all others. */
  | { kind: "partition"; isolate: string[] }
  /** Faults by chance, drawn from the run's seed; each is taken back. */
  | {
      kind: "chaos";
      faults: number;
      of: ("link" | "agent" | "node" | "partition")[];
      overMs: number;
      lastingMs: Bounds;
      /** Nodes that nothing happens to, nor to their links. */
      spare: string[];
    }
  /** At one instant. */
  | { kind: "together"; events: ScenarioEvent[] };

/** `between`: all links between two nodes, or the one whose interface is named. `on`: the link at that interface. */
export type LinkReference =
  | { between: [LinkEnd, LinkEnd] }
  | { on: { node: string; interface: string } };

export type LinkEnd = { node: string; interface?: string };

// --- Checks -------------------------------------------------------------------------------------

/** `warn`: where it does not hold, that is a warning and no failure. */
export type Check = { source: string; warn?: true } & CheckBody;
export type CheckKind = CheckBody["kind"];
export type CheckOf<K extends CheckKind> = { source: string; warn?: true } & Extract<
  CheckBody,
  { kind: K }
>;

/** RFC 4271 §8.2.2. */
export type SessionState =
  | "Idle"
  | "Connect"
  | "Active"
  | "OpenSent"
  | "OpenConfirm"
  | "Established";

export type AddressFamily = "ipv4-unicast" | "ipv6-unicast";

export type CheckBody =
  | {
      kind: "session";
      on: string;
      to: NextHop;
      /** No such session is configured. Then nothing else is set. */
      absent: boolean;
      /** One of these. */
      states: SessionState[];
      family: AddressFamily;
      /** Prefixes. */
      received?: Bounds;
      sent?: Bounds;
      /** Milliseconds since the session was established: shows that it did not flap. */
      uptimeMs?: Bounds;
    }
  /** The BGP table of a router or agent. What is set must hold for every path used, unless said otherwise. */
  | {
      kind: "route";
      on: string;
      prefix: Destination;
      /** Of a podCIDR; undefined: IPv4 where there is one. */
      family?: AddressFamily;
      /** The prefix is not in the table. Then nothing else is set. */
      absent: boolean;
      /** The next hops of the best path and its equals, exactly these in any order. */
      via?: NextHop[];
      /** Paths used side by side (ECMP). */
      paths?: Bounds;
      /** AS numbers from the neighbor to the origin, separated by spaces; empty: made in this AS. */
      asPath?: string;
      /** `65000:1`, `no-export`. */
      communities?: Carried;
      /** `65000:1:2`. */
      largeCommunities?: Carried;
      localPreference?: number;
      med?: number;
      origin?: "IGP" | "EGP" | "incomplete";
      /** With `via`: whether the path over it is (one of) the best. */
      best?: boolean;
      /** Why the best path won, as the router words it. */
      why?: TextMatch;
      /** Kept for a neighbor that restarts (RFC 4724). */
      stale?: boolean;
      /** In the kernel's table too. */
      installed?: boolean;
    }
  /** The BGP table as a whole. */
  | {
      kind: "routes";
      on: string;
      family: AddressFamily;
      count?: Bounds;
      /** These prefixes and no others. */
      exactly?: Destination[];
      includes?: Destination[];
      excludes?: Destination[];
    }
  /** The kernel's routing table. */
  | {
      kind: "fib";
      on: Place;
      prefix: "default" | Destination;
      /** Of `default` and of a podCIDR; undefined: IPv4 where there is one. */
      family?: Family;
      absent: boolean;
      /** Exactly these next hops in any order. */
      via?: NextHop[];
      /** Name of the outgoing interface. */
      dev?: string;
      metric?: number;
      nextHops?: Bounds;
      /** As `ip route` names it: `bgp`, `static`, `kernel`. */
      protocol?: string;
    }
  | {
      kind: "ping";
      from: Place;
      to: Target;
      family?: Family;
      count: number;
      /** Percent. */
      loss: Bounds;
      /** Mean round trip. */
      rttMs?: Bounds;
    }
  /** traceroute. */
  | {
      kind: "path";
      from: Place;
      to: Target;
      family?: Family;
      /** The nodes on the way, in order and no others; the nodes of `from` and `to` left out. */
      through?: string[];
      /** Nodes that must not be on the way. */
      avoids?: string[];
    }
  | {
      kind: "http";
      from: Place;
      to: Target;
      port: number;
      /** Begins with `/`. */
      path: string;
      status: number;
      body?: TextMatch;
      /** No connection comes about: refused, or not within the time. Then nothing answers. */
      fails?: "refused" | "unreachable" | "timeout";
    }
  /** A field of a Kubernetes object. */
  | {
      kind: "resource";
      resource: ResourceReference;
      /** `["status", "conditions", 0, "reason"]`; empty: the object itself. */
      field: (string | number)[];
      /** The object or field is not there. Then none of the next three is set. */
      absent: boolean;
      equals?: unknown;
      bounds?: Bounds;
      text?: TextMatch;
    }
  | {
      kind: "condition";
      resource: ResourceReference;
      type: string;
      status: "True" | "False" | "Unknown";
      reason?: string;
    }
  /** A line that the agent, a daemon or a pod wrote since the step began. */
  | {
      kind: "log";
      on: Place;
      /** On a node: `agent`, or a daemon's name. On a pod: a container's name, undefined for the first. */
      of?: string;
      /** No line matches. */
      absent: boolean;
      line: TextMatch;
    }
  | {
      kind: "exec";
      on: Place;
      command: string;
      argv: string[];
      exitCode: number;
      stdout?: TextMatch;
    }
  /** What a probe measured since the step began. */
  | {
      kind: "outage";
      probe: string;
      /** The longest outage. */
      durationMs?: Bounds;
      /** Packets. */
      lost?: Bounds;
    }
  /** From the step's first event to the last RIB or FIB change. */
  | { kind: "converge"; withinMs: Bounds }
  /** A Prometheus metric of the node's agent. */
  | {
      kind: "metric";
      on: string;
      name: string;
      /** Those of the sample must include these. */
      labels: Record<string, string>;
      value: Bounds;
    };
