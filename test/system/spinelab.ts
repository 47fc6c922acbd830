import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../../bin/spinelab.mjs", import.meta.url));
export const repository = fileURLToPath(new URL("../..", import.meta.url));

const surroundings = { cwd: repository, env: { ...process.env, NO_COLOR: "1" } };

export type Outcome = { status: number; stdout: string; stderr: string };

/** Runs the command `spinelab` as a user does and waits for its end. */
export async function spinelab(...args: string[]): Promise<Outcome> {
  return finished(start(...args));
}

/** Starts it; `finished` waits for the end. */
export function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], surroundings);
}

/** Starts it as a shell does on a terminal: it and what it starts are a process group. */
export function startInForeground(...args: string[]): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], { ...surroundings, detached: true });
}

/** The terminal sends it to the whole process group, not to the command alone. */
export function pressCtrlC(command: ChildProcess): void {
  const isRunning = command.exitCode === null && command.signalCode === null;
  if (isRunning) process.kill(-command.pid!, "SIGINT");
}

export async function finished(child: ChildProcess): Promise<Outcome> {
  const outcome = { status: 0, stdout: "", stderr: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  outcome.status = code ?? (signal === "SIGKILL" ? 137 : 130);
  return outcome;
}

/** Like `spinelab`, for commands that must succeed: returns what they print. */
export async function succeed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await spinelab(...args);
  if (status !== 0)
    throw new Error(`spinelab ${args.join(" ")}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Looks until it finds something, at most `limitMs`; says what it saw last. */
export async function until<T>(
  what: string,
  look: () => T | false | undefined | Promise<T | false | undefined>,
  limitMs = 60_000,
  everyMs = 20,
): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < deadlineMs) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`${what}: not within ${limitMs} ms; last saw ${String(last)}`);
}

/**
 * What a lab could leave behind on the machine: names of namespaces, mounts, processes, links,
 * addresses, routes, packet filter rules and the state folder. `lab`: only what bears this name, so
 * that other labs on the machine do not matter; the host's own network is always whole.
 */
export function traces(lab: string): Record<string, string[]> {
  const run = (...argv: [string, ...string[]]) =>
    execFileSync(argv[0], argv.slice(1), { encoding: "utf8" }).split("\n");
  // A container engine on this machine makes and removes its own while tests run.
  const ofEngine = (line: string) =>
    /\b(docker0|br-[0-9a-f]{12}|veth\w+|spinelab-test)\b/.test(line);
  const own = (lines: string[]) => lines.filter((line) => !ofEngine(line));
  const ofLab = (line: string) => line.includes(`clab-${lab}-`) || line.includes(`spinelab/${lab}`);
  return {
    namespaces: run("ip", "netns", "list").filter(ofLab),
    mounts: run("cat", "/proc/mounts").filter(ofLab),
    processes: run("ps", "-eo", "args").filter(ofLab),
    links: own(run("ip", "-brief", "link")),
    addresses: own(run("ip", "-brief", "address")),
    routes: own([...run("ip", "route", "show", "table", "all"), ...run("ip", "-6", "route")]).map(
      (line) => line.replace(/expires \S+/, ""),
    ),
    rules: run("nft", "list", "ruleset")
      .join("\n")
      .split(/(?=^table )/m)
      .filter((table) => !table.includes("DOCKER")),
    state: run("sh", "-c", `ls -d /run/spinelab/${lab} 2>/dev/null || true`),
  };
}
