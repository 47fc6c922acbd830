import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../kube/object.ts";
import { startTimeOf } from "../sys/process-start.ts";
import type { Fabric } from "../topology/fabric.ts";
import type { Entry, PodEntry } from "./backend.ts";
import type { RuntimeChoice } from "./spec.ts";

/**
 * What a running lab leaves on the machine for other commands to find: /run/spinelab/LAB, for root
 * only; for another user, who can run labs on Docker, the same in his own runtime folder. Both are a
 * tmpfs, so a power cut clears them.
 */
export const stateRoot = process.env["SPINELAB_STATE"] ?? defaultStateRoot();

function defaultStateRoot(): string {
  if (process.geteuid?.() === 0) return "/run/spinelab";
  return join(process.env["XDG_RUNTIME_DIR"] ?? join(homedir(), ".local/state"), "spinelab");
}

export type LabState = {
  lab: string;
  runtime: RuntimeChoice;
  /** The process that holds the lab, told from a later one of the same number by its start time. */
  supervisor: { pid: number; startTime: string };
  /** `down` works in every phase. */
  phase: "deploying" | "up" | "failed" | "going down";
  /** By the machine's clock, in virtual time too. ISO 8601. */
  startedAt: string;
  nodes: Record<string, Entry>;
  /** By `NAMESPACE/NAME`. */
  pods: Record<string, PodEntry>;
  fabric: Fabric;
  /** What it was deployed with: scenarios name pods that these make. */
  manifests: { object: KubeObject; source: string }[];
  replay: string;
};

export const labDirectory = (lab: string) => `${stateRoot}/${lab}`;
export const controlSocket = (lab: string) => `${labDirectory(lab)}/control.sock`;
export const timelineFile = (lab: string) => `${labDirectory(lab)}/timeline.jsonl`;
export const logDirectory = (lab: string) => `${labDirectory(lab)}/logs`;
export const kubeconfigFile = (lab: string, cluster?: string) =>
  `${labDirectory(lab)}/kubeconfig${cluster === undefined ? "" : `-${cluster}`}`;

/** Takes the name, or throws LabExistsError where a lab of that name is held by a living process. */
export function claim(state: LabState): void {
  while (!madeFolder(state.lab)) {
    // The last lab of the machine went in this very moment, and the root folder with it.
  }
  mkdirSync(logDirectory(state.lab));
  writeState(state);
}

/** False where the root folder went before it was made. */
function madeFolder(lab: string): boolean {
  try {
    mkdirSync(stateRoot, { recursive: true, mode: 0o700 });
    mkdirSync(labDirectory(lab), { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new LabExistsError(lab);
    if (code === "ENOENT") return false;
    throw error;
  }
}

export class LabExistsError extends Error {
  override readonly name = "LabExistsError";
  readonly lab: string;
  constructor(lab: string) {
    super(`a lab ${lab} is running already`);
    this.lab = lab;
  }
}

/** Whole or not at all: a reader never sees half a file. */
export function writeState(state: LabState): void {
  const file = `${labDirectory(state.lab)}/state.json`;
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A lab writes its state within milliseconds of claiming its folder. */
const beingMadeMs = 5000;

/** Undefined where there is no such lab. */
export function readState(lab: string): LabState | "being made" | "unreadable" | undefined {
  const folder = statSync(labDirectory(lab), { throwIfNoEntry: false });
  if (folder === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(`${labDirectory(lab)}/state.json`, "utf8")) as LabState;
  } catch {
    return Date.now() - folder.mtimeMs < beingMadeMs ? "being made" : "unreadable";
  }
}

export function labNames(): string[] {
  return existsSync(stateRoot) ? readdirSync(stateRoot).sort() : [];
}

export function isAlive(state: LabState): boolean {
  return startTimeOf(state.supervisor.pid) === state.supervisor.startTime;
}

/** Removes the lab's folder, and the root folder where it was the last. */
export function removeState(lab: string): void {
  rmSync(labDirectory(lab), { recursive: true, force: true });
  try {
    // Only while it is empty: another lab may begin in this very moment.
    rmdirSync(stateRoot);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(code)) throw error;
  }
}
