import { expect, it } from "vitest";
import { connect, run } from "./network.testkit.ts";
import { World } from "./world.ts";

/** A bridge with two ports, and when its node told of its carrier. */
function bridge() {
  const world = new World(() => 0.5);
  connect(world, ["tor:net1 a:net0", "tor:net2 b:net0"]);
  run(
    world,
    `tor link add br0 type bridge
     tor link set br0 up
     tor link set net1 master br0
     tor link set net2 master br0`,
  );
  const tor = world.network.node("tor");
  const br0 = tor.interfaces.get("br0")!;
  const told: string[] = [];
  let before = br0.hasCarrier;
  tor.onChange(() => {
    if (br0.hasCarrier !== before) told.push(`${world.clock.nowMs} ${br0.hasCarrier}`);
    before = br0.hasCarrier;
  });
  const set = (node: string, link: string, isUp: boolean) =>
    world.network.node(node).setInterface(link, isUp);
  const after = (ms: number, then: () => void) => void world.clock.setTimer(ms, then);
  const play = () => {
    while (world.clock.step());
    return told;
  };
  return { set, after, play, br0 };
}

it("a bridge that loses its last port within a second of another loss is told of when the second is over", () => {
  const { set, after, play } = bridge();
  after(500, () => set("tor", "net1", false));
  after(510, () => set("b", "net0", false));
  after(3_000, () => set("b", "net0", true));
  expect(play()).toEqual(["1500 false", "3000 true"]);
});

it("at once where nothing else was lost for a second", () => {
  const { set, after, play } = bridge();
  after(500, () => set("tor", "net1", false));
  after(1_500, () => set("tor", "net2", false));
  expect(play()).toEqual(["1500 false"]);
});

it("not at all where a port is back before", () => {
  const { set, after, play, br0 } = bridge();
  after(500, () => set("tor", "net1", false));
  after(510, () => set("tor", "net2", false));
  after(900, () => set("tor", "net2", true));
  expect(play()).toEqual([]);
  expect(br0.hasCarrier).toBe(true);
});
