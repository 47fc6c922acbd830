import { spawn } from "node:child_process";
import type { Command } from "commander";
import type { Entry } from "../../lab/backend.ts";
import { enterCommand, sandboxEnvironment } from "../../runtime/netns/sandbox.ts";
import { entryOf, selectLab } from "../running-lab.ts";

export function registerExec(program: Command): void {
  program
    .command("exec")
    .summary("run a command in a node or pod")
    .argument("<place>", "a node (tor0), or a pod (netshoot@kind-worker, default/netshoot-x2f9k)")
    .argument("<argv...>", "the command, after --")
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText("after", "\nExample:\n  spinelab exec tor0 -- vtysh -c 'show bgp summary'")
    .action(async (place: string, argv: string[], options: { lab?: string }) => {
      process.exitCode = await enter(entryOf(selectLab(options.lab), place), argv);
    });
}

export function registerShell(program: Command): void {
  program
    .command("shell")
    .summary("open a shell in a node or pod")
    .argument("<place>", "a node or a pod")
    .option("--lab <lab>", "which lab, where several are up")
    .action(async (place: string, options: { lab?: string }) => {
      process.exitCode = await enter(entryOf(selectLab(options.lab), place), ["bash"]);
    });
}

/** Runs a command inside, joined to this terminal. Resolves to its status. */
export function enter(entry: Entry, argv: string[]): Promise<number> {
  const [file, ...args] = enterArgv(entry, argv);
  const child = spawn(file!, args, {
    stdio: "inherit",
    env:
      "pid" in entry ? { ...sandboxEnvironment, TERM: process.env["TERM"] ?? "dumb" } : process.env,
  });
  // The terminal sends Ctrl-C to the command itself: it decides what to do with it.
  process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function enterArgv(entry: Entry, argv: string[]): string[] {
  if ("pid" in entry) return enterCommand(entry.pid, argv);
  const terminal = process.stdin.isTTY ? ["--interactive", "--tty"] : ["--interactive"];
  const inside = entry.pod ? ["sh", "-c", enterPod(entry.pod), "sh", ...argv] : argv;
  return ["docker", "exec", ...terminal, entry.container, ...inside];
}

/** Run in a kind node: crictl names the process that holds the pod's namespaces. */
function enterPod({ namespace, name }: { namespace: string; name: string }): string {
  const labels = `--label io.kubernetes.pod.namespace=${namespace} --label io.kubernetes.pod.name=${name}`;
  return [
    `container=$(crictl ps --quiet ${labels} | head -n 1)`,
    "pid=$(crictl inspect --output go-template --template '{{.info.pid}}' \"$container\")",
    'exec nsenter -t "$pid" -m -u -i -n -p -- "$@"',
  ].join(" && ");
}
