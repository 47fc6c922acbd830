import { describe, expect, test } from "vitest";
import { EnvironmentError } from "../input/diagnostic.ts";
import { type Impairment, Impairments, lossRules, netemArgs, tbfArgs } from "./impairments.ts";

const from = { node: "left", interface: "net0" };
const to = { node: "right", interface: "net1" };
const all: Impairment = {
  delayMs: 10,
  jitterMs: 2.5,
  lossPercent: 1.5,
  corruptPercent: 0.1,
  rateBitsPerSecond: 10e6,
};

test("the whole of it by netem", () => {
  expect(netemArgs("net0", all).join(" ")).toBe(
    "tc qdisc replace dev net0 root netem limit 50000 delay 10000us 2500us loss 1.5% corrupt 0.1% rate 10000000bit",
  );
  expect(netemArgs("net0", { lossPercent: 1 }).join(" ")).not.toContain("delay");
});

test("a token bucket holds two full frames at least", () => {
  expect(tbfArgs("net0", 1e9)).toContain("1250000");
  expect(tbfArgs("net0", 8000)).toContain("3200");
});

test("loss by chance, and for certain", () => {
  expect(lossRules("eth0.1", 1.5)).toContain("numgen random mod 1000000 < 15000 counter drop");
  expect(lossRules("eth0.1", 1.5)).toContain("table netdev spinelab_loss_eth0_1 {");
  expect(lossRules("net0", 100)).not.toContain("numgen");
});

function host(netem: boolean, withRelay: boolean) {
  const done: string[] = [];
  const impairments = new Impairments({
    run(node, argv, stdin) {
      const line = `${node}: ${argv.join(" ")}${stdin?.includes("drop") ? " drop" : ""}`;
      done.push(line);
      const fails = !netem && argv.includes("netem");
      const stderr = fails ? "Error: Specified qdisc kind is unknown." : "";
      return Promise.resolve({ exitCode: fails ? 2 : 0, stdout: "", stderr, tookMs: 1 });
    },
    ...(withRelay && {
      relay: ({ node }) => {
        done.push(`${node}: relay`);
        return Promise.resolve(() => {
          done.push(`${node}: relay ends`);
          return Promise.resolve();
        });
      },
    }),
  });
  return { impairments, done };
}

describe("without netem", () => {
  test("each part by what there is", async () => {
    const { impairments, done } = host(false, true);
    await impairments.set(from, to, all);
    expect(done.slice(1)).toEqual([
      expect.stringContaining("left: tc qdisc replace dev net0 root tbf"),
      "right: nft -f - drop",
      "left: relay",
    ]);
    await impairments.set(from, to, undefined);
    expect(done.slice(4)).toEqual([
      "left: relay ends",
      "left: tc qdisc del dev net0 root",
      "right: nft -f -",
    ]);
  });

  test("what nothing can do is said, and what can is done", async () => {
    const { impairments } = host(false, false);
    await expect(impairments.set(from, to, { delayMs: 1 })).rejects.toThrow(EnvironmentError);
    await impairments.set(from, to, { lossPercent: 1 });
  });

  test("a relay ends with its node, and is back with it", async () => {
    const { impairments, done } = host(false, true);
    await impairments.set(from, to, { delayMs: 1 });
    await impairments.nodeStopping("left");
    await impairments.nodeStarted("left");
    expect(done.filter((line) => line.includes("relay"))).toEqual([
      "left: relay",
      "left: relay ends",
      "left: relay",
    ]);
  });
});

test("another failure of tc is an error", async () => {
  const impairments = new Impairments({
    run: () => Promise.resolve({ exitCode: 2, stdout: "", stderr: "no device", tookMs: 1 }),
  });
  await expect(impairments.set(from, to, { delayMs: 1 })).rejects.toThrow("left: tc qdisc");
});
