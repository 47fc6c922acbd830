import { connect } from "node:net";
import { EnvironmentError } from "../input/diagnostic.ts";
import { askControl } from "../lab/control.ts";
import { controlSocket } from "../lab/state-folder.ts";
import { linesOf } from "../sys/socket-lines.ts";
import { UsageError } from "./exit.ts";
import { nodeOf, selectLab } from "./running-lab.ts";

/** Who is asked: the agents of a lab's nodes, one of them, or one speaker by its own socket. */
export type Asked = { lab?: string; node?: string; socket?: string };

/** What the agent of a node says. `node` is empty of a speaker without a lab. */
export type Answer<T> = { node: string; rows: T[] };

/** Some agents did not answer; what the others said has been shown. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

/**
 * Asks all at once and shows what they answer; where nobody does, nothing. Rejects thereafter as `tell` does.
 */
export async function askAgents<T>(
  asked: Asked,
  request: object,
  show: (answers: Answer<T>[]) => void,
): Promise<void> {
  if (asked.socket !== undefined) {
    return show([{ node: "", rows: await askSocket<T>(asked.socket, request) }]);
  }
  const state = selectLab(asked.lab);
  const only = asked.node === undefined ? undefined : nodeOf(state, asked.node);
  const nodes = state.fabric.nodes
    .filter(({ kubernetes, name }) => kubernetes && (only === undefined || name === only))
    .map(({ name }) => name);
  if (nodes.length === 0) throw new UsageError(`${asked.node ?? state.lab}: no Kubernetes node`);
  const outcomes = await Promise.allSettled(
    nodes.map((node) => askControl(controlSocket(state.lab), { do: "ask", node, request })),
  );
  tell(nodes, outcomes as PromiseSettledResult<T[]>[], show);
}

/**
 * Shows the answers, then throws where some are missing: UnansweredError, or EnvironmentError where the environment
 * kept every node from answering.
 */
export function tell<T>(
  nodes: readonly string[],
  outcomes: readonly PromiseSettledResult<T[]>[],
  show: (answers: Answer<T>[]) => void,
): void {
  const answers: Answer<T>[] = [];
  const failures: { node: string; error: Error }[] = [];
  for (const [n, outcome] of outcomes.entries()) {
    const node = nodes[n]!;
    if (outcome.status === "fulfilled") answers.push({ node, rows: outcome.value });
    else failures.push({ node, error: outcome.reason as Error });
  }
  if (answers.length > 0) show(answers);
  if (failures.length === 0) return;
  const [first] = failures;
  if (failures.every(({ error }) => error instanceof EnvironmentError)) throw first!.error;
  const paragraphs = failures.map(({ node, error }) => {
    const named = error.message.startsWith(`${node}: `) ? "" : `${node}: `;
    const remedy =
      error instanceof EnvironmentError
        ? error.remedy
        : `spinelab logs ${node} tells what its agent did last, spinelab doctor what else is wrong`;
    return `${named}${error.message}\n  what to do: ${remedy}`;
  });
  throw new UnansweredError(paragraphs.join("\n"), { cause: first!.error });
}

/** A speaker of its own, on this machine. */
function askSocket<T>(path: string, request: object): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", reject);
    linesOf(socket).once("line", (line) => {
      socket.destroy();
      const answer = JSON.parse(line) as { ok?: T[]; error?: string };
      if (answer.ok) resolve(answer.ok);
      else reject(new Error(answer.error));
    });
  });
}
