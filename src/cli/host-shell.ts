import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kubeconfigFile, labDirectory } from "../lab/state-folder.ts";

const launcher = fileURLToPath(new URL("../../bin/spinelab.mjs", import.meta.url));

/**
 * The user's own shell on this terminal, in which `kubectl` and `spinelab` mean this lab. Resolves when it was
 * left, by a signal too, of which we hand on those that end us: whoever calls must have a listener to SIGINT, which a terminal sends to us as well.
 */
export async function hostShell(lab: string): Promise<void> {
  // In a checkout nothing says that `spinelab` is on the path.
  const programs = join(labDirectory(lab), "bin");
  mkdirSync(programs, { recursive: true });
  const command = [process.execPath, launcher].map(quoted).join(" ");
  writeFileSync(join(programs, "spinelab"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  const child = spawn(process.env["SHELL"] ?? "/bin/sh", {
    stdio: "inherit",
    env: {
      ...process.env,
      PATH: `${programs}:${process.env["PATH"] ?? ""}`,
      KUBECONFIG: kubeconfigFile(lab),
      SPINELAB_LAB: lab,
    },
  });
  // An interactive shell ignores SIGTERM.
  const hangUp = () => child.kill("SIGHUP");
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, hangUp);
  await once(child, "exit");
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.off(signal, hangUp);
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
