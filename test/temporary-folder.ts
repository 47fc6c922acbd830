import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "spinelab-test-run-";

/**
 * What tests and the programs that they start write as temporary goes into one folder of the run, and with it:
 * when a test fails or is interrupted, too. That of a run that was killed goes with the next.
 */
export default function temporaryFolder(): () => void {
  const root = tmpdir();
  const folder = join(root, `${prefix}${process.pid}`);
  for (const name of readdirSync(root)) {
    if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length)))) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }
  mkdirSync(folder);
  process.env["TMPDIR"] = folder;
  return () => {
    process.env["TMPDIR"] = root;
    // A browser's children may still write for a moment.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
