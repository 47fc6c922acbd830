import type { Fabric } from "../../topology/fabric.ts";
import { batchFailure, linkBatch, linkEnds, linksUpBatch } from "../links.ts";

/** Host process numbers of the nodes' first processes. */
export type PidOf = (node: string) => number;

/** Docker numbers the interfaces it moves into containers as the host does: far from there is free. */
const firstIndex = 1_000_000;

type Batch = { what: string; enter: string; lines: string };

/** Enters the network namespace of a process, as the host numbers it. */
export function enterNetwork(pid: number): string[] {
  return ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
}

/**
 * The shell script that makes all links of a fabric and sets them up: one command for the helper,
 * whatever the fabric's size.
 */
export class Wiring {
  readonly #fabric: Fabric;
  readonly #pidOf: PidOf;
  readonly #batches: Batch[];

  constructor(fabric: Fabric, pidOf: PidOf) {
    this.#fabric = fabric;
    this.#pidOf = pidOf;
    this.#batches = [
      { what: "links", enter: "", lines: linkBatch(fabric, pidOf, firstIndex) },
      ...fabric.nodes.map(({ name }, n) => ({
        what: name,
        enter: `${enterNetwork(pidOf(name)).join(" ")} `,
        lines: linksUpBatch(fabric, fabric.nodes[n]!),
      })),
    ].filter(({ lines }) => lines !== "");
  }

  script(): string {
    const batches = this.#batches.map(
      ({ enter, lines }, n) =>
        `${enter}ip -batch - <<'BATCH' || { echo "in batch ${n}" >&2; exit 1; }\n${lines}BATCH\n`,
    );
    return this.clearing() + batches.join("");
  }

  /**
   * Takes the links out of Kubernetes nodes, which outlive the lab's own containers. The kernel clears
   * the other ends when their containers go, but late: a lab deployed anew would meet them.
   */
  clearing(): string {
    return this.#fabric.nodes
      .filter((node) => node.kubernetes !== undefined)
      .flatMap((node) => linkEnds(this.#fabric, node.name).map((end) => ({ node, end })))
      .map(({ node, end }) => {
        const enter = enterNetwork(this.#pidOf(node.name)).join(" ");
        return `${enter} ip link delete ${end} 2>/dev/null\n`;
      })
      .join("");
  }

  /** What failed, by what the script printed. */
  failure(stderr: string): string {
    const batch = this.#batches[Number(/^in batch (\d+)$/m.exec(stderr)?.[1] ?? -1)];
    const printed = stderr.replace(/^in batch \d+\n?/m, "");
    return batch ? batchFailure(batch.what, batch.lines, printed) : `links: ${printed.trim()}`;
  }
}
