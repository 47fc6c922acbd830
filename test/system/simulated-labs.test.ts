import { expect, test } from "vitest";
import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";

/** What these labs need of Kubernetes' nodes: services, HTTP, gateways, agents that go and come. */
test.each([
  "auto-discovery",
  "auto-discovery-migration",
  "dual-stack",
  "egress-gateway",
  "graceful-restart",
  "legacy-policy-migration",
  "services",
])(
  "%s passes in virtual time, without an edit",
  async (name) => {
    const label = `${name}-simulated-${process.pid}`;
    const loaded = loadLab({ ...findLab(name), name: label }, "", { kind: "sim" });
    const scenario = loaded.scenario!;
    const lab = await Lab.open({ ...loaded.spec, seed: 1 }, { sinks: [], scenario });
    try {
      const { signal } = new AbortController();
      await lab.up(signal);
      await lab.play(scenario, signal);
    } finally {
      await lab.down();
    }
    const checks = lab.records.filter((record) => record.type === "check");
    expect(checks.filter((check) => check.verdict !== "pass")).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
    expect(lab.records.findLast((record) => record.type === "verdict")).toMatchObject({
      verdict: "pass",
    });
  },
  120_000,
);
