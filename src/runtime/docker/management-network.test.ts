import { describe, expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { chooseAddresses, type Network } from "./management-network.ts";

const fabricOf = (addresses: string[]): Fabric => ({
  name: "lab",
  prefix: "clab-lab",
  management: [],
  links: [],
  clusters: [],
  nodes: addresses.map((own, n): FabricNode => ({
    name: `n${n}`,
    aliases: [],
    kind: "linux",
    hostname: `n${n}`,
    exec: [],
    env: {},
    sysctls: {},
    binds: [],
    labels: {},
    managementNetwork: "clab",
    managementAddress: address(own),
  })),
});

const choose = (addresses: string[], subnet: string, taken: string[]) => {
  const network: Network = { name: "clab", ipv4Subnet: prefix(subnet), taken: new Set(taken) };
  return [...chooseAddresses(fabricOf(addresses), new Map([["clab", network]])).values()];
};

describe("addresses on a management network", () => {
  test("are the fabric's where nobody else has them", () => {
    const own = ["172.20.20.2", "172.20.20.3"];
    expect(choose(own, "172.20.20.0/24", ["172.20.20.1"])).toEqual(own);
  });

  test("are the next free ones where another lab has them, none given twice", () => {
    const own = ["172.20.20.2", "172.20.20.3", "172.20.20.4"];
    const taken = ["172.20.20.1", "172.20.20.2", "172.20.20.3", "172.20.20.5"];
    expect(choose(own, "172.20.20.0/24", taken)).toEqual([
      "172.20.20.6",
      "172.20.20.7",
      "172.20.20.4",
    ]);
  });

  test("are of the network's own subnet where that is another, as kind's can be", () => {
    expect(choose(["172.18.0.2"], "172.19.0.0/16", ["172.19.0.1", "172.19.0.2"])).toEqual([
      "172.19.0.3",
    ]);
  });

  test("run out: the network is named", () => {
    const taken = ["10.0.0.1", "10.0.0.2"];
    expect(() => choose(["10.0.0.2"], "10.0.0.0/30", taken)).toThrow(
      "the Docker network clab (10.0.0.0/30) has no free address left",
    );
  });
});
