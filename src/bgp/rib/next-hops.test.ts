import { describe, expect, it } from "vitest";
import { address, type Address } from "../../net/address.ts";
import { NextHops } from "./next-hops.ts";
import { ownPathOf } from "./path.ts";

const one = address("192.0.2.1");
const two = address("192.0.2.2");

/** That two routes were asked about the next hops of. */
function asked(): NextHops {
  const nextHops = new NextHops();
  nextHops.setTold(true);
  for (const via of [one, two]) {
    nextHops.resolve({ path: ownPathOf({ origin: "igp" }, via) });
  }
  return nextHops;
}

/** As `NextHops.sweep` looks at routes. */
const some =
  (...needed: Address[]) =>
  (isIt: (nextHop: Address) => boolean) =>
    needed.some((via) => isIt(via));

describe("next hops that no route has any more", () => {
  it("are forgotten, and told so", () => {
    const nextHops = asked();
    expect(nextHops.takeAsked()).toEqual([one, two]);
    expect(nextHops.mayHaveUnneeded).toBe(false);
    nextHops.departed(1);
    expect(nextHops.mayHaveUnneeded).toBe(true);
    nextHops.sweep(1, some(two));
    expect(nextHops.takeForgotten()).toEqual([one]);
    expect(nextHops.takeForgotten()).toEqual([]);
    expect(nextHops.mayHaveUnneeded).toBe(false);
    // The answer was on its way.
    expect(nextHops.learn([{ nextHop: one, cost: 0 }])).toEqual(new Set());
  });

  it("are not waited for, and not asked about where that was still to be done", () => {
    const nextHops = asked();
    nextHops.departed(2);
    nextHops.sweep(0, some());
    expect(nextHops.isWaiting).toBe(false);
    expect(nextHops.takeAsked()).toEqual([]);
  });

  it("are looked for once enough routes have left, and no longer than until all are found needed", () => {
    const nextHops = asked();
    nextHops.departed(1);
    nextHops.sweep(17, () => expect.unreachable());
    expect(nextHops.mayHaveUnneeded).toBe(false);
    nextHops.departed(1);
    expect(nextHops.mayHaveUnneeded).toBe(true);
    let looked = 0;
    nextHops.sweep(17, (isIt) =>
      [two, two, one, one].some((via) => {
        looked++;
        return isIt(via);
      }),
    );
    expect(looked).toBe(3);
    expect(nextHops.takeForgotten()).toEqual([]);
  });
});
