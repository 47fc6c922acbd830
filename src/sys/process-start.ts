import { existsSync, readFileSync } from "node:fs";

/**
 * Field 22 of /proc/PID/stat: when the process started; undefined where there is no such process. On systems without
 * /proc a process is taken for the one that had its number.
 */
export function startTimeOf(pid: number): string | undefined {
  if (!existsSync("/proc/self/stat")) return isRunning(pid) ? "not told here" : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
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
