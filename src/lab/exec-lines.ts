import type { Runtime } from "../runtime/port.ts";
import type { FabricNode } from "../topology/fabric.ts";
import type { Recorder } from "../timeline/record.ts";

/** Something the deploy needed did not work. The run fails; the evidence is in the timeline. */
export class DeployError extends Error {
  override readonly name = "DeployError";
}

/**
 * Runs these nodes' exec lines: in order on a node, all nodes side by side. containerlab only logs
 * a line that fails; here it fails the deploy, unless the lab allows it.
 */
export async function runExecLines(
  nodes: readonly FabricNode[],
  runtime: Runtime,
  record: Recorder,
  signal: AbortSignal,
): Promise<void> {
  // A line that takes long does not keep the lab from being taken down, which ends the line too.
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {}); // It may come when nobody waits for it any more.
  const results = await Promise.allSettled(
    nodes.map((node) => Promise.race([runExecLinesOf(node, runtime, record, signal), aborted])),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/** The lines of one node, in order. */
export async function runExecLinesOf(
  node: FabricNode,
  runtime: Runtime,
  record: Recorder,
  signal?: AbortSignal,
): Promise<void> {
  for (const line of node.exec) {
    signal?.throwIfAborted();
    const result = await runtime.exec({ node: node.name }, line.argv);
    // Whoever aborted takes the node away, and the line with it.
    signal?.throwIfAborted();
    record({
      type: "exec",
      node: node.name,
      command: line.command,
      exitCode: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
      tookMs: result.tookMs,
      ...(line.allowFailure ? { allowedToFail: true } : {}),
    });
    if (result.exitCode === 0 || line.allowFailure) continue;
    const output = (result.stdout + result.stderr).trim();
    record({
      type: "failure",
      node: node.name,
      message: `an exec line ended with status ${result.exitCode} (${line.source})`,
      command: line.command,
      output,
      remedy: `mend the line, or allow it to fail with allowFailure in lab.yaml`,
    });
    throw new DeployError(
      `${line.source}: ${node.name}: status ${result.exitCode}: ${line.command}\n${output}`,
    );
  }
}
