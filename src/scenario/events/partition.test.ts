import { beforeEach, expect, test } from "vitest";
import { EventError, type Undo } from "../event.ts";
import { fabricChanges } from "../fabric-changes.ts";
import { fabric, FakeLab } from "../testing/fake-lab.ts";
import { eventOf } from "../testing/read-scenario.ts";
import { linksPartitioned, partition } from "./partition.ts";

let lab: FakeLab;

beforeEach(() => {
  lab = new FakeLab();
});

const isolating = (...nodes: string[]) =>
  eventOf(`partition: { isolate: [${nodes.join(", ")}] }`) as Parameters<typeof partition.run>[1];

async function cutOff(...nodes: string[]): Promise<Undo> {
  return (await partition.run(lab.labContext, isolating(...nodes)))!;
}

function nftAnswers(): void {
  for (const { name } of fabric.nodes) lab.answer(name, "nft -f -", "");
}

test("drops on both ends of the links that lead out, and only of those", async () => {
  nftAnswers();
  await cutOff("tor0", "kind-worker");
  const devices = lab.commands.map((command) => [
    command.split(" ")[0],
    ...Array.from(command.matchAll(/device "(\w+)"/g), (match) => match[1]),
  ]);
  expect(devices.sort()).toEqual([
    ["router0", "net0"],
    ["router1", "net0"],
    ["tor0", "net0", "net3"],
  ]);
});

test("nft refuses", async () => {
  await expect(cutOff("tor0")).rejects.toThrow(EventError);
  expect(linksPartitioned(lab.runtime).size).toBe(0);
});

test("one that is taken back leaves the rules of another alone, though it cuts the same links", async () => {
  nftAnswers();
  const tablesOf = (commands: string[]) => {
    const names = commands.flatMap((line) => /table netdev (\w+)/.exec(line)?.[1] ?? []);
    return [...new Set(names)];
  };
  const [undoFirst, undoSecond] = [await cutOff("tor0"), await cutOff("tor0")];
  const [first, second] = tablesOf(lab.commands);
  expect(second).toBeDefined();
  expect(lab.commands.join()).not.toContain("delete");
  const done = lab.commands.length;
  await undoFirst();
  expect(tablesOf(lab.commands.slice(done))).toEqual([first]);
  const undone = lab.commands.length;
  await undoSecond();
  expect(tablesOf(lab.commands.slice(undone))).toEqual([second]);
});

test("pictures show as mended what no other one still cuts", async () => {
  nftAnswers();
  const undoOne = await cutOff("tor0");
  const undoRack = await cutOff("tor0", "kind-worker");
  const mended = (...nodes: string[]) => fabricChanges(lab.labContext, isolating(...nodes), true);
  await undoOne();
  const a = { node: "tor0", interface: "net2" };
  const b = { node: "kind-worker", interface: "net0" };
  expect(mended("tor0")).toEqual([{ link: { a, b }, state: "up" }]);
  await undoRack();
  expect(mended("tor0", "kind-worker")).toHaveLength(2);
});
