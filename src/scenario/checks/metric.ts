import { boundsText, excerpt, inBounds } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { nodeNamed } from "../resolve.ts";

const metricsUrl = "http://127.0.0.1:9962/metrics";
const timeoutSeconds = 3;

/** A Prometheus metric of a node's agent. */
export const metric: CheckHandler<"metric"> = {
  text: (check) => `metric ${check.name}${labelsText(check.labels)} on ${check.on}`,

  expected: (check) => boundsText(check.value),

  async look(context, check) {
    const node = nodeNamed(context, check.on).name;
    const argv = ["curl", "-sS", "--max-time", String(timeoutSeconds), metricsUrl];
    const result = await context.runtime.exec({ node }, argv, {
      timeoutMs: (timeoutSeconds + 5) * 1000,
    });
    if (result.exitCode !== 0) {
      throw new PreconditionError(`${node}: no metrics: ${excerpt(result.stderr)}`);
    }
    const samples = parseSamples(result.stdout).filter(
      ({ name, labels }) =>
        name === check.name &&
        Object.entries(check.labels).every(([label, value]) => labels[label] === value),
    );
    return {
      ok: samples.length > 0 && samples.every(({ value }) => inBounds(value, check.value)),
      seen:
        samples.map(({ labels, value }) => `${labelsText(labels)} ${value}`.trim()).join("; ") ||
        "no such sample",
    };
  },
};

type Sample = { name: string; labels: Record<string, string>; value: number };

/** The samples of the Prometheus text format, version 0.0.4. */
export function parseSamples(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (parts === null) return [];
    const labels = [...(parts[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, label, value]) => [label!, value!.replaceAll(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c))],
    );
    const value =
      parts[3] === "+Inf" ? Infinity : parts[3] === "-Inf" ? -Infinity : Number(parts[3]);
    return [{ name: parts[1]!, labels: Object.fromEntries(labels), value }];
  });
}

function labelsText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
