import type { Duplex, Readable, Writable } from "node:stream";
import type { Address } from "../net/address.ts";
import type { Echo } from "../sys/echo-rows.ts";
import type { Endpoint, Fabric } from "../topology/fabric.ts";
import type { Impairment } from "./impairments.ts";

export type { Echo, Impairment };

/**
 * What every runtime can do. Small on purpose: a check never learns which runtime it runs on. What
 * a runtime cannot do throws EnvironmentError, which makes the step inconclusive.
 */
export interface Runtime extends AsyncDisposable {
  readonly kind: "netns" | "docker" | "sim";

  /** Brings up every node with its management interface, then every link. Runs no exec line. */
  up(fabric: Fabric, progress: Progress): Promise<void>;
  /** Takes everything down, whatever state it is in. Never throws for what is already gone. */
  down(): Promise<void>;

  /**
   * Ends a node as a power cut does: its links lose their carrier before any of its processes can say
   * so, then processes and pods are gone. The other ends keep what they are configured with.
   */
  stopNode(node: string): Promise<void>;
  /** Starts a stopped node as it was after `up`, its links plugged in again. Runs no exec line. */
  startNode(node: string): Promise<void>;

  /** Runs a command to its end. A status other than 0 is a result, not an error. */
  exec(place: Place, argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Starts a command that goes on. It ends with the place at the latest. */
  spawn(place: Place, argv: readonly string[], options?: SpawnOptions): RunningCommand;
  writeFile(node: string, path: string, content: string, mode?: number): Promise<void>;
  /**
   * Connects to a Unix socket inside the node; rejects where the runtime cannot. Where nobody listens
   * the error has the system's `code`: ENOENT, ECONNREFUSED.
   */
  connectUnix(node: string, path: string): Promise<Duplex>;

  /** Cuts or mends the cable between two interfaces: addresses and static routes survive on both ends. */
  setLink(a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void>;
  /**
   * How a cable treats what goes from one of its ends to the other; undefined: as new. What neither
   * kernel nor runtime can do throws EnvironmentError.
   */
  impairLink(from: Endpoint, to: Endpoint, impairment: Impairment | undefined): Promise<void>;
  /**
   * Kernel route and link changes of the nodes named, as they happen; of a stopped node once it is
   * started. Returns how to stop.
   */
  watchRoutes(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void;

  /** Sends ICMP echo requests without end, one every `everyMs`, and tells what becomes of each. */
  echo(place: Place, to: Address, everyMs: number, onEcho: (echo: Echo) => void): EchoRun;
}

/** Where a command runs: a node of the fabric, or a pod on one. */
export type Place = { node: string; pod?: { namespace: string; name: string } };

export type ExecOptions = { stdin?: string; timeoutMs?: number; env?: Record<string, string> };

export type ExecResult = { exitCode: number; stdout: string; stderr: string; tookMs: number };

export type SpawnOptions = {
  env?: Record<string, string>;
  /** With a terminal: `shell` and `exec -it`. */
  terminal?: boolean;
  stdin?: "pipe" | "ignore" | "inherit";
  stdout?: "pipe" | "inherit" | number;
  stderr?: "pipe" | "inherit" | number;
};

export type RunningCommand = {
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves when it has ended. `exitCode` is 128 + the signal's number where a signal ended it. */
  readonly ended: Promise<{ exitCode: number }>;
  kill(signal: NodeJS.Signals): void;
};

export type EchoRun = {
  /** Why it ended by itself; pending while it runs. */
  readonly failed: Promise<string>;
  /** Resolves when every echo has been told. `lateMs`: by how much a packet was late at worst, where that is known. */
  stop(): Promise<{ lateMs?: number }>;
};

export type RouteChange = {
  node: string;
  change: "add" | "delete";
  prefix: string;
  via?: string;
  /** performance.now() of this process. */
  atMs: number;
};

/** Tells what is going on: a stage begins, ends, or has a detail worth showing. */
export type Progress = (stage: string, state: "begin" | "end", detail?: string) => void;
