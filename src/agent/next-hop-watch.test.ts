import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import { FakeKernel, othersRoute } from "./kernel.testkit.ts";
import { type NextHopCost, NextHopWatch } from "./next-hop-watch.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("answers what it is asked together, then tells what changes", async () => {
  const kernel = new FakeKernel([
    othersRoute("10.9.0.0/24"),
    othersRoute("10.5.0.0/16", { via: "10.9.0.9", metric: 30 }),
  ]);
  const told: NextHopCost[][] = [];
  const watch = new NextHopWatch(kernel, 254, (costs) => told.push(costs));
  const [near, far, none] = ["10.9.0.2", "10.5.0.1", "10.6.0.1"].map(address);
  for (const nextHop of [near!, far!, none!]) watch.ask(nextHop);
  expect(told).toEqual([]);
  await turn();
  kernel.others("add", othersRoute("10.6.0.0/16", { via: "10.9.0.9", metric: 7 }));
  kernel.others("add", othersRoute("10.7.0.0/16", { via: "10.9.0.9" }));
  kernel.others("delete", othersRoute("10.9.0.0/24"));
  expect(told).toEqual([
    [
      { nextHop: near, cost: 0 },
      { nextHop: far, cost: 30 },
      { nextHop: none, cost: undefined },
    ],
    [{ nextHop: none, cost: 7 }],
    [{ nextHop: near, cost: undefined }],
  ]);
  watch.close();
  kernel.others("add", othersRoute("10.9.0.0/24"));
  expect(told).toHaveLength(3);
});

test("what is forgotten is neither answered nor told of again", async () => {
  const kernel = new FakeKernel([othersRoute("10.9.0.0/24")]);
  const told: NextHopCost[][] = [];
  const watch = new NextHopWatch(kernel, 254, (costs) => told.push(costs));
  const [kept, known, asked] = ["10.9.0.2", "10.9.0.3", "10.9.0.4"].map(address);
  for (const nextHop of [kept!, known!]) watch.ask(nextHop);
  await turn();
  watch.ask(asked!);
  for (const nextHop of [known!, asked!]) watch.forget(nextHop);
  await turn();
  kernel.others("delete", othersRoute("10.9.0.0/24"));
  expect(told.slice(1).flat()).toEqual([{ nextHop: kept, cost: undefined }]);
  watch.close();
});
