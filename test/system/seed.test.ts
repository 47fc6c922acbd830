import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, repository, start, succeed, traces, until } from "./spinelab.ts";

/** The four files a user of containerlab and kind would bring, unchanged. */
const data = `${repository}/test/data/leaf-spine-lab`;
const lab = "bgp-topo";
let before: ReturnType<typeof traces>;

beforeAll(async () => {
  before = traces(lab);
  await succeed(
    ...["up", "--topology", `${data}/bgp-topo.yaml`, "--cluster", `${data}/cluster.yaml`],
    ...["--manifests", `${data}/cilium-bgp-peering-policies.yaml`],
    ...["--manifests", `${data}/netshoot-ds.yaml`],
  );
});

afterAll(async () => {
  await succeed("down", lab);
  expect(traces(lab)).toEqual(before);
});

const summary = async (node: string) =>
  succeed("exec", node, "--lab", lab, "--", "vtysh", "-c", "show bgp ipv4 summary wide");

test("the spine shows what the walk-through prints: 12 routes, 5 received and 13 sent of each ToR", async () => {
  const text = await until("both sessions with all routes", async () => {
    const now = await summary("router0");
    return /tor0\(net0\).* 5 +13 /.test(now) && /tor1\(net1\).* 5 +13 /.test(now) && now;
  });
  expect(text).toMatch(/BGP table version 12/);
  expect(text).toMatch(/RIB entries 23/);
  expect(text).toMatch(/tor0\(net0\) +4 +65010 +65000 .* 5 +13 N\/A/);
  expect(text).toMatch(/tor1\(net1\) +4 +65011 +65000 .* 5 +13 N\/A/);
  expect(text).toMatch(/Total number of neighbors 2/);
});

test.for([
  ["tor0", "65010", ["kind-control-plane\\(10.0.1.2\\)", "kind-worker\\(10.0.2.2\\)"]],
  ["tor1", "65011", ["kind-worker2\\(10.0.3.2\\)", "kind-worker3\\(10.0.4.2\\)"]],
] as const)(
  "%s: router0 8 and 13, each node 1 and 11, by their host names",
  async ([tor, asn, nodes]) => {
    const text = await until("all three sessions", async () => {
      const now = await summary(tor);
      return nodes.every((node) => new RegExp(`${node}.* 1 +11 `).test(now)) && now;
    });
    expect(text).toMatch(/BGP table version 13/);
    expect(text).toMatch(new RegExp(`router0\\(net0\\) +4 +65000 +${asn} .* 8 +13 N/A`));
    for (const node of nodes) {
      expect(text).toMatch(new RegExp(`${node} +4 +${asn} +${asn} .* 1 +11 N/A`));
    }
    expect(text).toMatch(/Total number of neighbors 3/);
  },
);

test("a pod of rack 0 reaches a pod of rack 1 over the hops of the walk-through", async () => {
  const pods = JSON.parse(await succeed("inspect", lab, "--json")) as {
    pods: { pod: string; node: string }[];
  };
  expect(pods.pods.map((pod) => pod.node).sort()).toEqual([
    "kind-worker",
    "kind-worker2",
    "kind-worker3",
  ]);
  const address = await podAddress("netshoot@kind-worker3");
  const enter = ["exec", "netshoot@kind-worker", "--lab", lab, "--"];
  expect(await succeed(...enter, "ping", "-c", "3", "-i", "0.2", address)).toMatch(
    /3 packets transmitted, 3 received, 0% packet loss/,
  );
  const hops = (await succeed(...enter, "traceroute", "-n", "-q", "1", "-w", "1", address))
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/)[1])
    .filter(Boolean);
  expect(hops[0]).toMatch(/^10\.1\.\d+\.\d+$/);
  expect(hops.slice(1)).toEqual(["10.0.2.1", "10.0.0.0", "10.0.0.2", "10.0.4.2", address]);
});

test("the nodes' speakers know the sessions, and install nothing of what they are sent", async () => {
  const peers = JSON.parse(await succeed("bgp", "peers", "--lab", lab, "--json")) as {
    node: string;
    state: string;
    families: { received: number; accepted: number; advertised: number }[];
  }[];
  expect(peers).toHaveLength(4);
  for (const peer of peers) {
    expect(peer.state).toBe("Established");
    expect(peer.families).toMatchObject([{ received: 11, accepted: 0, advertised: 1 }]);
  }
  const routes = await succeed("exec", "kind-worker", "--lab", lab, "--", "ip", "route");
  expect(routes).not.toMatch(/proto (bgp|179)/);
});

test("the sidecar's name serves as well as the node's", async () => {
  expect(await succeed("exec", "srv-worker", "--lab", lab, "--", "hostname")).toBe("kind-worker\n");
});

test("a second lab of that name is refused with status 2, and the first goes on", async () => {
  const second = await finished(
    start("up", "--topology", `${data}/bgp-topo.yaml`, "--cluster", `${data}/cluster.yaml`),
  );
  expect(second.status).toBe(2);
  expect(second.stderr).toContain("a lab bgp-topo is running already");
  expect(await succeed("list")).toContain("bgp-topo");
});

async function podAddress(place: string): Promise<string> {
  const text = await succeed(
    "exec",
    place,
    "--lab",
    lab,
    "--",
    "ip",
    "-4",
    "-brief",
    "address",
    "show",
    "eth0",
  );
  return /(\d+\.\d+\.\d+\.\d+)\/32/.exec(text)![1]!;
}
