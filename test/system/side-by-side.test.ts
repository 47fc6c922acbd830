import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed, traces, until } from "./spinelab.ts";

/** Two copies of one lab and a third lab, all at once, with the same addresses inside. */
const labs = [
  `side-a-${process.pid}`,
  `side-b-${process.pid}`,
  `side-dual-${process.pid}`,
] as const;
const before = traces("side-");

beforeAll(async () => {
  const [a, b, dual] = labs;
  await Promise.all([
    succeed("up", "rack-spine", "--name", a),
    succeed("up", "rack-spine", "--name", b),
    succeed("up", "rack-spine-dual", "--name", dual),
  ]);
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => spinelab("down", lab)));
  expect(traces("side-")).toEqual(before);
});

const received = async (lab: string, node: string, neighbor: string) => {
  const text = await succeed(
    "exec",
    node,
    "--lab",
    lab,
    "--",
    "vtysh",
    "-c",
    "show bgp summary json",
  );
  const peers = (JSON.parse(text) as { ipv4Unicast: { peers: Record<string, { pfxRcd: number }> } })
    .ipv4Unicast.peers;
  return peers[neighbor]?.pfxRcd;
};

test("each has its own sessions with all routes", async () => {
  for (const lab of labs.slice(0, 2)) {
    await until(
      `${lab}: 5 routes of each ToR`,
      async () =>
        (await received(lab, "router0", "net0")) === 5 &&
        (await received(lab, "router0", "net1")) === 5,
    );
  }
  await until("dual: both spines have the routes of both ToRs", async () => {
    const [, , dual] = labs;
    return (
      (await received(dual, "router0", "net0"))! >= 5 &&
      (await received(dual, "router1", "net1"))! >= 5
    );
  });
});

test("a link cut in one copy is cut in no other", async () => {
  const [a, b] = labs;
  await succeed("link", "router0:net1", "down", "--lab", a);
  await until(
    "the session is gone in the first",
    async () => (await received(a, "router0", "net1")) !== 5,
  );
  expect(await received(b, "router0", "net1")).toBe(5);
  await succeed("link", "router0:net1", "up", "--lab", a);
  await until("and comes back", async () => (await received(a, "router0", "net1")) === 5);
});

test("nothing of them is in the host's network", () => {
  const { links, addresses, routes, rules } = traces("side-");
  expect({ links, addresses, routes, rules }).toEqual({
    links: before["links"],
    addresses: before["addresses"],
    routes: before["routes"],
    rules: before["rules"],
  });
});

test("with several labs up, a command that names none says so", async () => {
  const { status, stderr } = await spinelab("inspect");
  expect(status).toBe(2);
  expect(stderr).toContain("several labs are up");
  expect(stderr).toContain("--lab");
});
