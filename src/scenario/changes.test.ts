import { beforeEach, describe, expect, test } from "vitest";
import type { BmpTold } from "../observe/bmp.ts";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { Changes } from "./changes.ts";
import { FakeLab } from "./testing/fake-lab.ts";

let lab: FakeLab;
let changes: Changes;

beforeEach(() => {
  lab = new FakeLab();
  changes = new Changes(lab.scenarioContext);
});

const peer = address("10.0.1.1");
const told = (of: Partial<Extract<BmpTold, { what: "routes" }>>): BmpTold => ({
  ...{ node: "tor0", what: "routes", peer, rib: "post-policy", announced: [], withdrawn: [] },
  ...of,
});

/** At which times of the virtual clock somebody who waits for so long is woken. */
async function wakes(forMs: number): Promise<number[]> {
  const at: number[] = [];
  while (lab.clock.nowMs() < forMs) {
    await changes.next(forMs - lab.clock.nowMs());
    at.push(lab.clock.nowMs());
  }
  return at;
}

describe("a word by BMP", () => {
  test("wakes at once, whatever it is about", async () => {
    for (const what of ["peerUp", "statistics"] as const) {
      const next = changes.next(1000);
      lab.tellByBmp({ node: "tor0", what, peer });
      await next;
      expect(lab.clock.nowMs()).toBe(0);
    }
    const next = changes.next(1000);
    lab.tellByBmp({ node: "tor0", what: "gone" });
    await next;
    expect(lab.clock.nowMs()).toBe(0);
  });

  test("of routes that FRR has yet to choose among wakes again when it has, once for all that came", async () => {
    const woken = wakes(1000);
    lab.tellByBmp(told({ decidesWithinMs: 50 }));
    lab.tellByBmp(told({ decidesWithinMs: 50 }));
    lab.clock.wait(30, lab.abort.signal).then(
      () => lab.tellByBmp(told({ decidesWithinMs: 50 })),
      () => undefined,
    );
    expect(await woken).toEqual([0, 30, 50, 80, 1000]);
  });

  test("is recorded where a step measures: what changed, by the router's time if that can be", async () => {
    lab.tellByBmp(told({ withdrawn: [prefix("10.1.1.0/24")] }));
    const convergence = await changes.beginEvents();
    lab.tellByBmp(told({ withdrawn: [prefix("10.1.1.0/24")] }));
    expect(lab.records).toEqual([]);
    convergence.event("a link goes", lab.clock.nowMs());
    lab.tellByBmp(
      told({
        withdrawn: [prefix("10.1.1.0/24")],
        announced: [{ prefix: prefix("10.1.3.0/24"), via: address("10.0.0.1") }],
        routerUnixMs: 7,
      }),
    );
    lab.tellByBmp({ node: "tor0", what: "peerDown", peer, reason: "sent X", wasUp: false });
    lab.tellByBmp({
      node: "tor0",
      what: "peerDown",
      peer,
      reason: "sent X",
      wasUp: true,
      routerUnixMs: -5,
    });
    const of = { type: "routeChange", node: "tor0", table: "rib", rib: "post-policy", peer };
    expect(lab.records.map(({ atMs: _, ...record }) => record)).toEqual([
      { ...of, change: "delete", prefix: "10.1.1.0/24", routerAtMs: 7 },
      { ...of, change: "add", prefix: "10.1.3.0/24", via: "10.0.0.1", routerAtMs: 7 },
      { type: "sessionChange", node: "tor0", peer, state: "down", reason: "sent X" },
    ]);
    expect(convergence.bmp).toEqual({ tor0: { routeMonitoring: 1, peerUp: 0, peerDown: 1 } });
    await changes.endStep(convergence);
  });

  test("counts as convergence where it is about what is used", async () => {
    const convergence = await changes.beginEvents();
    convergence.event("a link goes", lab.clock.nowMs());
    lab.tellByBmp(told({ withdrawn: [prefix("10.1.1.0/24")] }));
    expect(convergence.convergeMs).toBeUndefined();
    lab.tellByBmp(told({ rib: "loc-rib", withdrawn: [prefix("10.1.1.0/24")] }));
    expect(convergence.convergeMs).toBeGreaterThanOrEqual(0);
    await changes.endStep(convergence);
  });
});

describe("tables of routers that are asked for their version", () => {
  const asked = () => lab.commands.filter((command) => command.includes("vtysh")).length;

  /** How often they are asked in a second of the virtual clock. */
  async function askedInASecond(): Promise<number> {
    const before = asked();
    await lab.clock.wait(1000, lab.abort.signal);
    return asked() - before;
  }

  test("are asked no more when the last of two steps beside each other has ended", async () => {
    const both = await Promise.all([changes.beginEvents(), changes.beginEvents()]);
    expect(await askedInASecond()).toBeGreaterThan(0);
    for (const each of both) await changes.endStep(each);
    expect(await askedInASecond()).toBe(0);
  });

  test("go on to be asked for a step that begins while another one ends", async () => {
    const first = await changes.beginEvents();
    const second = changes.beginEvents();
    await changes.endStep(first);
    await second;
    expect(await askedInASecond()).toBeGreaterThan(0);
    await changes.endStep(await second);
  });
});
