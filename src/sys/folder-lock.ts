import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTimeOf } from "./process-start.ts";

/** Another process has the folder. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
  readonly pid: number;

  constructor(folder: string, pid: number) {
    super(`${folder} is in use by process ${pid}`);
    this.pid = pid;
  }
}

/**
 * Takes a folder for this process alone, and makes it where it is not there; returns how to let it go. The lock of a
 * process that is gone is taken over. Throws FolderInUseError where another process has it.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = join(folder, "lock");
  const own = join(folder, `lock.${process.pid}`);
  writeFileSync(own, `${process.pid} ${startTimeOf(process.pid)}\n`);
  try {
    // A link is made with all its content, or not at all where there is one.
    while (!link(own, lock)) {
      const pid = liveHolder(lock);
      if (pid !== undefined) throw new FolderInUseError(folder, pid);
      setAside(lock, join(folder, `lock.gone.${process.pid}`));
    }
  } finally {
    rmSync(own);
  }
  return () => rmSync(lock, { force: true });
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Of two that find the same lock of a dead process one may come late and move the other's new one: that goes back. */
function setAside(lock: string, aside: string): void {
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (liveHolder(aside) !== undefined) link(aside, lock);
  rmSync(aside);
}

/** The process whose lock it is; undefined where it is gone, or another has its number now. */
function liveHolder(lock: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(lock, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const [pid, startTime] = text.trim().split(" ");
  if (startTime === undefined) return undefined;
  return startTimeOf(Number(pid)) === startTime ? Number(pid) : undefined;
}
