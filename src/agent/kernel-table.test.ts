import { describe, expect, it } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { KernelTable } from "./kernel-table.ts";
import { othersRoute } from "./kernel.testkit.ts";

function tableOf(...routes: ReturnType<typeof othersRoute>[]): KernelTable {
  const table = new KernelTable();
  for (const route of routes) table.add(route);
  return table;
}

const main = 254;

describe("resolve", () => {
  const table = tableOf(
    othersRoute("0.0.0.0/0", { via: "10.9.0.254", metric: 100 }),
    othersRoute("10.9.0.0/24"),
    othersRoute("10.9.0.1/32", { table: 255, type: 2 }),
    othersRoute("10.1.0.0/16", { via: "10.9.0.3", metric: 30 }),
    othersRoute("10.1.0.0/16", { via: "10.9.0.2", metric: 20 }),
    othersRoute("10.1.7.0/24", { type: 6, hops: [] }),
    othersRoute("10.2.0.0/16", { hops: [{ interfaceIndex: 3, isDown: true }] }),
    othersRoute("10.3.0.0/16", { via: "10.9.0.3", table: 1000 }),
  );
  const via = (to: string, of = main) => {
    const resolved = table.resolve(address(to), of);
    return resolved && [resolved.hops[0]?.gateway, resolved.metric];
  };

  it.each([
    ["on a link: itself", "10.9.0.7", ["10.9.0.7", 0]],
    ["the lowest metric", "10.1.2.3", ["10.9.0.2", 20]],
    ["nothing better: the default route", "10.99.0.1", ["10.9.0.254", 100]],
    ["a route that leads nowhere", "10.1.7.1", undefined],
    ["an address of its own", "10.9.0.1", undefined],
    ["over a link that is down: as if it were not there", "10.2.0.1", ["10.9.0.254", 100]],
    ["another table is not asked", "10.3.0.1", ["10.9.0.254", 100]],
    ["the other family", "fd00::1", undefined],
  ])("%s", (_, to, expected) => {
    expect(via(to)).toEqual(expected);
  });

  it("asks the table that routes go into", () => {
    expect(via("10.3.0.1", 1000)).toEqual(["10.9.0.3", 0]);
  });
});

it("knows what is on a link", () => {
  const table = tableOf(
    othersRoute("10.9.0.0/24"),
    othersRoute("10.8.0.1/32", { table: 255, type: 2 }),
    othersRoute("10.1.0.0/16", { via: "10.9.0.2" }),
  );
  const connected = ["10.9.0.0/24", "10.8.0.1/32", "10.1.0.0/16", "10.2.0.0/16"];
  expect(connected.map((to) => table.isConnected(prefix(to), main))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

it("forgets a route by its table, metric and owner", () => {
  const table = tableOf(
    othersRoute("10.1.0.0/16", { via: "10.9.0.2", metric: 20 }),
    othersRoute("10.1.0.0/16", { via: "10.9.0.3", metric: 30 }),
  );
  table.add(othersRoute("10.1.0.0/16", { via: "10.9.0.4", metric: 20 }));
  table.delete(othersRoute("10.1.0.0/16", { via: "10.9.0.3", metric: 30 }));
  expect(table.to(prefix("10.1.0.0/16")).map(({ hops }) => hops[0]?.gateway)).toEqual(["10.9.0.4"]);
  table.delete(othersRoute("10.1.0.0/16", { via: "10.9.0.4", metric: 20 }));
  expect([...table.prefixes()]).toEqual([]);
});
