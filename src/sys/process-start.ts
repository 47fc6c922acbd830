import { existsSync, readFileSync } from "node:fs";

/**
 * Field 22 of /proc/PID/stat: when the process started; undefined where there is no such process, or it has ended and
 * nobody has asked for its status, as in a container whose first process waits for nobody. On systems without /proc a
 * process is taken for the one that had its number.
 */
export function startTimeOf(pid: number): string | undefined {
  if (!existsSync("/proc/self/stat")) return isRunning(pid) ? "not told here" : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const hasEnded = fields[0] === "Z" || fields[0] === "X";
    return hasEnded ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
