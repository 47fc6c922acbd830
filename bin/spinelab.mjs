#!/usr/bin/env node
// The command `spinelab`. Plain JavaScript, because any Node from 18 on may start it: it finds the
// Node that runs Spinelab's TypeScript and hands over to src/cli/main.ts.
import { existsSync, readFileSync } from "node:fs";
import * as module from "node:module";

const repository = new URL("../", import.meta.url);
const installed = new URL("node_modules/", repository);
/** The Node of the dev dependency `node`. */
const ownNode = new URL("node/bin/node", installed);

// npm writes this file last, so it is there only when all of the installation is.
if (!existsSync(new URL(".package-lock.json", installed))) {
  refuse("its npm packages are not installed, or not all of them");
} else if (runsTypeScript(process.versions.node)) {
  await start();
} else if (existsSync(ownNode)) {
  await handOver();
} else {
  refuse(`it needs Node 24.12 or newer, this is ${process.versions.node}`);
}

/** From 24.12 on Node strips types by itself and without a warning. */
function runsTypeScript(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 12);
}

async function start() {
  module.enableCompileCache(new URL(".cache/spinelab", installed).pathname);
  try {
    await import("../src/cli/main.ts");
  } catch (error) {
    // A package that package.json has gained since the last `npm ci`. A file of ours that is
    // missing is a fault and stays one.
    const missing = /^Cannot find package '([^']+)'/.exec(error?.message ?? "");
    if (error?.code !== "ERR_MODULE_NOT_FOUND" || missing === null) throw error;
    refuse(`the npm package ${missing[1]} is not installed`);
  }
}

/** The same command under the Node of the dev dependency; its end is ours. */
async function handOver() {
  const [{ spawn }, { constants }, { fileURLToPath }] = await Promise.all([
    import("node:child_process"),
    import("node:os"),
    import("node:url"),
  ]);
  const argv = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(fileURLToPath(ownNode), argv, { stdio: "inherit" });

  for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A key pressed at the terminal reached the child as well: twice would mean "at once".
      const fromKeyboard = signal === "SIGINT" || signal === "SIGQUIT";
      if (!(fromKeyboard && inForeground())) child.kill(signal);
    });
  }
  child.on("error", (error) => refuse(`${ownNode.pathname} does not run: ${error.message}`));
  child.on("exit", (code, signal) => {
    // As a shell says it where a signal ended the child.
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** Whether the terminal sends its signals to this process group. /proc/self/stat: proc_pid_stat(5). */
function inForeground() {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    // After the name in parentheses: state, ppid, pgrp, session, tty_nr, tpgid.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    return false; // not Linux: nothing to run here anyway
  }
}

function refuse(why) {
  process.stderr.write(`spinelab cannot start: ${why}.\n  run: make setup\n`);
  process.exitCode = 3;
}
