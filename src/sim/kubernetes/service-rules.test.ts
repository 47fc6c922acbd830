import { beforeEach, expect, it } from "vitest";
import type { ForwardedDestination, ForwardingPlan } from "../../kube/services/forwarding.ts";
import { address } from "../../net/address.ts";
import { type Exchange, exchange } from "../exchange.ts";
import type { Tuple } from "../netfilter.ts";
import { run, twoNodes } from "../network.testkit.ts";
import { sourceAddress } from "../source-address.ts";
import { World } from "../world.ts";
import { serviceRules } from "./service-rules.ts";

let world: World;
let chance: number;

beforeEach(() => {
  world = new World(() => chance);
  chance = 0;
  twoNodes(world);
  run(world, "router route add 192.0.2.0/24 via 10.0.1.2");
});

const p1 = { address: "10.1.1.2", port: 8080, nodeName: "n1" };
const p2 = { address: "10.1.2.2", port: 8080, nodeName: "n2" };

function forward(destination: Partial<ForwardedDestination>, plan: Partial<ForwardingPlan> = {}) {
  for (const [name, own] of [
    ["n1", "10.0.1.2"],
    ["n2", "10.0.2.2"],
  ] as const) {
    const node = world.network.node(name);
    const full: ForwardingPlan = {
      destinations: [
        {
          ...{ family: "ipv4", protocol: "tcp", addresses: ["10.96.0.10"], port: 80 },
          ...{ inside: true, targets: [p1, p2], ...destination },
        },
      ],
      ...{ virtual: ["10.96.0.10"], nodeAddresses: [own], ...plan },
    };
    node.setPacketRules("services", serviceRules(node, full, world.random));
  }
}

function connect(from: string, to: string, port = 80): Exchange {
  const node = world.network.node(from);
  const destination = address(to);
  const tuple: Tuple = {
    ...{ protocol: "tcp", source: sourceAddress(node, destination)!, destination },
    ...{ sourcePort: 40_000, destinationPort: port },
  };
  return exchange(world, node, tuple);
}

const served = (by: string, source: string) => ({
  ...{ outcome: "answered", by: { name: by } },
  seen: { source, destinationPort: 8080 },
});

it("a pod finds each endpoint by the cluster IP, and is seen by its own address", () => {
  forward({});
  expect(connect("p1b", "10.96.0.10")).toMatchObject(served("p1", "10.1.1.3"));
  chance = 0.9;
  expect(connect("p1b", "10.96.0.10")).toMatchObject(served("p2", "10.1.1.3"));
});

it("a node does too, by its address; and a pod finds itself by its node's", () => {
  forward({});
  expect(connect("n2", "10.96.0.10")).toMatchObject(served("p1", "10.0.2.2"));
  expect(connect("p1", "10.96.0.10")).toMatchObject(served("p1", "10.0.1.2"));
});

it("from outside: by any node, whose address the endpoint sees", () => {
  forward(
    { inside: false, addresses: ["192.0.2.1"], nodePort: 30_080 },
    { virtual: ["192.0.2.1"] },
  );
  chance = 0.9;
  expect(connect("client", "192.0.2.1")).toMatchObject(served("p2", "10.0.1.2"));
  expect(connect("client", "10.0.2.2", 30_080)).toMatchObject(served("p2", "10.0.2.2"));
  expect(connect("client", "192.0.2.1", 81)).toMatchObject({ outcome: "refused" });
});

it("policy Local: from outside the node's own endpoints with the client's address, or nobody", () => {
  const external = { inside: false, addresses: ["192.0.2.1"] };
  forward({ ...external, targetsForOutside: [p1] });
  expect(connect("client", "192.0.2.1")).toMatchObject(served("p1", "198.51.100.2"));
  forward({ ...external, targetsForOutside: [] });
  expect(connect("client", "192.0.2.1")).toEqual({ outcome: "silence" });
  chance = 0.9;
  expect(connect("p1b", "192.0.2.1")).toMatchObject(served("p2", "10.1.1.3"));
});

it("without endpoints it is refused at once", () => {
  forward({ targets: [] });
  expect(connect("p2", "10.96.0.10")).toMatchObject({ outcome: "refused" });
  expect(connect("n1", "10.96.0.10")).toMatchObject({ outcome: "refused" });
});
