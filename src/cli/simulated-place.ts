import type { Entry } from "../lab/backend.ts";
import { askControl } from "../lab/control.ts";
import { controlSocket, type LabState } from "../lab/state-folder.ts";
import { EnvironmentError } from "../input/diagnostic.ts";
import type { ExecResult } from "../runtime/port.ts";

/** A node or pod that the lab's own process simulates. */
export type SimulatedEntry = Extract<Entry, { simulated: unknown }>;

/** Has the lab do a command, and prints what it says. Resolves to its status; EnvironmentError where it is not simulated. */
export async function runSimulated(
  lab: string,
  { simulated }: SimulatedEntry,
  argv: readonly string[],
): Promise<number> {
  const request = { do: "exec", ...simulated, argv, settles: true };
  const answer = await askControl(controlSocket(lab), request);
  const { stdout, stderr, exitCode } = answer as ExecResult;
  process.stdout.write(withNewline(stdout));
  process.stderr.write(withNewline(stderr));
  return exitCode;
}

/** What the node's agent wrote, and FRR's log files; empty where there is none. */
export async function simulatedLogs(
  { lab, fabric }: LabState,
  { simulated }: SimulatedEntry,
): Promise<string> {
  const { node, pod } = simulated;
  // No program of a pod writes anything.
  if (pod !== undefined) return "";
  if (fabric.nodes.some(({ name, kubernetes }) => name === node && kubernetes !== undefined)) {
    return (await askControl(controlSocket(lab), { do: "agentLog", node })) as string;
  }
  const files = ["frr.log", "bgpd.log"].map((name) => `/var/log/frr/${name}`);
  const read = files.map(async (file) => {
    const request = { do: "exec", node, argv: ["cat", file] };
    const { exitCode, stdout } = (await askControl(controlSocket(lab), request)) as ExecResult;
    return exitCode === 0 ? stdout : "";
  });
  return (await Promise.all(read)).join("");
}

/** A simulated lab is not there for programs of this machine. `what` they would need; `instead`: what does it. */
export function refuseSimulated(
  { lab, runtime }: LabState,
  { what, instead }: { what: string; instead: string },
): void {
  if (runtime.kind !== "sim") return;
  throw new EnvironmentError(
    `lab ${lab} is simulated: ${what}`,
    `${instead}, or run the lab with --runtime netns`,
  );
}

/** What simulated commands print as JSON is without one. */
function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
