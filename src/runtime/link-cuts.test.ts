import { expect, test } from "vitest";
import type { Fabric } from "../topology/fabric.ts";
import { LinkCuts } from "./link-cuts.ts";

const ends: Fabric["links"][number]["endpoints"] = [
  { node: "tor0", interface: "net0" },
  { node: "tor1", interface: "net1" },
];
const fabric: Fabric = {
  name: "lab",
  prefix: "",
  management: [],
  nodes: [],
  links: [{ endpoints: ends, mtu: 1500, source: "test" }],
  clusters: [],
};

/** Routes of net0, as iproute2 6.1 prints them. */
const printed: Record<string, string> = {
  "-4 boot": "10.1.0.0/16 via 10.0.0.2 \n10.2.0.0/16 via 10.0.0.2 metric 5 linkdown \n",
  "-4 static": "",
  "-6 boot": "fd00:1::/64 via fd00::2 metric 1024 pref medium\n",
  "-6 static": "",
};

const addresses =
  "2: net0    inet6 fe80::1/64 scope link nodad \\       valid_lft forever preferred_lft forever\n";

function recording(running = ["tor0"]) {
  const ran: string[] = [];
  const cuts = new LinkCuts(new Set(running), async (node, args, batch = "") => {
    if (args[1] === "route") return printed[`${args[0]} ${args.at(-1)}`]!;
    if (args[2] === "address") return addresses;
    ran.push(`${node}: ip ${args.join(" ")}${batch && `\n${batch}`}`);
    return "";
  });
  return { cuts, ran };
}

test("at a machine without power nothing is run: the cable is cut when it starts, or mended by then", async () => {
  const { cuts, ran } = recording([]);
  await cuts.set(fabric, ends[0], ends[1], "down");
  expect(cuts.cutOn("tor0")).toEqual(["net0"]);
  await cuts.set(fabric, ends[0], ends[1], "up");
  expect(cuts.cutOn("tor0")).toEqual([]);
  expect(ran).toEqual([]);
});

test("what the kernel drops with the interface comes back, each family by itself", async () => {
  const { cuts, ran } = recording();
  await cuts.set(fabric, ends[1], ends[0], "down");
  await cuts.set(fabric, ends[0], ends[1], "up");
  expect(ran).toEqual([
    "tor0: ip link set net0 down",
    "tor0: ip link set net0 up",
    `tor0: ip -4 -batch -
route replace 10.1.0.0/16 via 10.0.0.2 dev net0 proto boot
route replace 10.2.0.0/16 via 10.0.0.2 metric 5 dev net0 proto boot
`,
    `tor0: ip -6 -batch -
address replace fe80::1/64 dev net0 scope link nodad
route replace fd00:1::/64 via fd00::2 metric 1024 pref medium dev net0 proto boot
`,
  ]);
});

test("a link that was not cut is set up, and nothing more", async () => {
  const { cuts, ran } = recording();
  await cuts.set(fabric, ends[0], ends[1], "up");
  expect(ran).toEqual(["tor0: ip link set net0 up"]);
});

test("ends that no link joins are refused", async () => {
  const { cuts } = recording();
  const other = { node: "tor1", interface: "net9" };
  await expect(cuts.set(fabric, ends[0], other, "down")).rejects.toThrow(
    "no link tor0:net0 – tor1:net9",
  );
});
