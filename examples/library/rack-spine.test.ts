import { afterAll, beforeAll, expect, test } from "vitest";
import { lab, type RunningLab } from "spinelab";
import "spinelab/vitest";

/** A suite of one's own on a lab: deployed once, tests one after the other. */
let fabric: RunningLab;

beforeAll(async () => {
  fabric = await lab("rack-spine");
}, 120_000);

afterAll(() => fabric[Symbol.asyncDispose]());

test("pods are announced to the ToR, and from rack to rack", async () => {
  await expect(fabric.at("tor0")).toHaveSession("kind-worker", { received: 1 });
  await expect(fabric.at("tor0")).toHaveRoute("10.1.1.0/24", { via: "kind-worker" });
  await expect(fabric.at("router0")).toHaveRoute("kind-worker3.podCIDR", {
    via: "tor1",
    asPath: "65011",
  });
  await expect(fabric.at("netshoot@kind-worker")).toReach("netshoot@kind-worker3");
  expect(await fabric.doctor()).toEqual([]);
});

test("a cut uplink: routes go within two seconds, and the doctor knows why", async () => {
  const cut = await fabric.do({ link: { between: ["router0", "tor1"], set: "down" } });
  expect(cut).toConvergeWithin("2s");
  await expect(fabric.at("router0")).not.toHaveRoute("kind-worker3.podCIDR");
  await expect(fabric.at("netshoot@kind-worker")).not.toReach("netshoot@kind-worker3", {
    count: 1,
  });
  const causes = (await fabric.doctor()).map(({ about, cause }) => `${about}: ${cause}`);
  expect(causes).toContain("session: link down");
});

test("mended, it carries packets again; the outage is known", async () => {
  const mended = await fabric.step({
    name: "mended",
    probe: {
      name: "racks",
      from: "netshoot@kind-worker",
      to: "netshoot@kind-worker3",
      every: "5ms",
    },
    do: [{ link: { between: ["router0", "tor1"], set: "up" } }],
    within: "20s",
    expect: [
      { ping: { from: "netshoot@kind-worker", to: "netshoot@kind-worker3", loss: "0%" } },
      { outage: { probe: "racks", atMost: "20s" } },
    ],
  });
  expect(mended.verdict).toBe("pass");
});

test("a command in a node", async () => {
  const { stdout } = await fabric.at("tor0").exec("vtysh", "-c", "show bgp summary");
  expect(stdout).toContain("kind-worker");
});
