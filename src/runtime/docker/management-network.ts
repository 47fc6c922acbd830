import { setTimeout } from "node:timers/promises";
import type Docker from "dockerode";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { type Address, addressAfter, parseAddress } from "../../net/address.ts";
import {
  type Prefix,
  parsePrefix,
  prefixBase,
  prefixContains,
  prefixLength,
} from "../../net/prefix.ts";
import type { Fabric, FabricNode, ManagementNetwork } from "../../topology/fabric.ts";
import { engineError, engineText, isConflict, isNotFound } from "./engine-error.ts";

/** On networks that Spinelab made: they go with the last lab on them. */
const madeLabel = "spinelab.network";

/** A Docker network that nodes are on, as it really is. */
export type Network = {
  name: string;
  ipv4Subnet: Prefix;
  /** Addresses that are in use there, the gateway's among them. */
  taken: Set<string>;
};

/**
 * The networks of a fabric's containers: made where they are missing, shared with other labs where
 * they are there with the same subnet, as containerlab does. Throws EnvironmentError naming the
 * network in the way where they cannot be had.
 */
export async function ensureNetworks(
  docker: Docker,
  fabric: Fabric,
): Promise<Map<string, Network>> {
  const wanted = fabric.management.filter(({ name }) =>
    fabric.nodes.some((node) => isOurs(node) && node.managementNetwork === name),
  );
  const networks = await Promise.all(wanted.map((each) => ensureNetwork(docker, each)));
  return new Map(networks.map((network) => [network.name, network]));
}

/** Removes the networks that Spinelab made and nobody is on any more. */
export async function removeUnusedNetworks(docker: Docker): Promise<void> {
  const networks = await docker.listNetworks({ filters: { label: [madeLabel] } });
  await Promise.all(
    networks.map(async ({ Id, Name }) => {
      try {
        await docker.getNetwork(Id).remove();
      } catch (error) {
        const inUse = /has active endpoints|is in use/i.test(engineText(error));
        if (!isNotFound(error) && !isConflict(error) && !inUse)
          throw engineError(docker, error, `network ${Name} cannot be removed`);
      }
    }),
  );
}

/**
 * IPv4 addresses of the containers: the fabric's own where they are free, else the next free ones,
 * since other labs and kind are on the same network.
 */
export function chooseAddresses(
  fabric: Fabric,
  networks: ReadonlyMap<string, Network>,
): Map<string, string> {
  const chosen = new Map<string, string>();
  const taken = new Map([...networks].map(([name, network]) => [name, new Set(network.taken)]));
  const nodes = fabric.nodes.filter(
    (node) => isOurs(node) && networks.has(node.managementNetwork!),
  );
  for (const node of nodes) {
    const network = networks.get(node.managementNetwork!)!;
    const inUse = taken.get(network.name)!;
    const own = node.managementAddress!;
    const address =
      prefixContains(network.ipv4Subnet, own) && !inUse.has(own)
        ? own
        : freeAddress(network, inUse, nodes);
    inUse.add(address);
    chosen.set(node.name, address);
  }
  return chosen;
}

function freeAddress(
  { name, ipv4Subnet }: Network,
  inUse: ReadonlySet<string>,
  nodes: readonly FabricNode[],
): Address {
  const claimed = new Set<string>(nodes.map((node) => node.managementAddress!));
  const count = 2 ** (32 - prefixLength(ipv4Subnet)) - 1;
  for (let offset = 2; offset < count; offset++) {
    const address = addressAfter(prefixBase(ipv4Subnet), offset);
    if (!inUse.has(address) && !claimed.has(address)) return address;
  }
  throw new EnvironmentError(
    `the Docker network ${name} (${ipv4Subnet}) has no free address left`,
    "take down other labs, or give this one a network of its own (mgmt.network in the topology)",
  );
}

/** A network that another lab makes or removes in this very moment is neither there nor not there for so long. */
const changingMsMax = 5_000;
const lookAgainMs = 50;

async function ensureNetwork(docker: Docker, wanted: ManagementNetwork): Promise<Network> {
  const { name, ipv4Subnet } = wanted;
  const deadlineMs = performance.now() + changingMsMax;
  for (;;) {
    const there = await inspectNetwork(docker, name);
    if (there) return checked(there, wanted);
    try {
      await createNetwork(docker, wanted);
      return { name, ipv4Subnet, taken: new Set([wanted.ipv4Gateway]) };
    } catch (error) {
      const inTheWay = await clash(docker, wanted, error);
      if (inTheWay !== undefined) throw inTheWay;
      if (performance.now() > deadlineMs) throw engineError(docker, error, `network ${name}`);
      await setTimeout(lookAgainMs);
    }
  }
}

async function createNetwork(docker: Docker, wanted: ManagementNetwork): Promise<void> {
  const { name, ipv4Subnet } = wanted;
  await docker.createNetwork({
    Name: name,
    // Two labs that begin at one moment: the second is told that the network exists.
    CheckDuplicate: true,
    Driver: "bridge",
    EnableIPv6: wanted.ipv6Subnet !== undefined,
    IPAM: {
      Driver: "default",
      Config: [
        { Subnet: ipv4Subnet, Gateway: wanted.ipv4Gateway },
        ...(wanted.ipv6Subnet === undefined
          ? []
          : [{ Subnet: wanted.ipv6Subnet, Gateway: wanted.ipv6Gateway! }]),
      ],
    },
    Options: wanted.mtu === undefined ? {} : { "com.docker.network.driver.mtu": `${wanted.mtu}` },
    Labels: { [madeLabel]: "", containerlab: "" },
  });
}

/** kind's network has the subnet that Docker gave it; any other of that name must be as written. */
function checked(network: Network, wanted: ManagementNetwork): Network {
  if (network.ipv4Subnet === wanted.ipv4Subnet || wanted.name === "kind") return network;
  throw new EnvironmentError(
    `the Docker network ${wanted.name} is there with the subnet ${network.ipv4Subnet}, and the topology wants ${wanted.ipv4Subnet}`,
    `remove it (docker network rm ${wanted.name}), or name another under mgmt.network in the topology`,
  );
}

/** What keeps the network from being made; undefined where that is only one of its own name. */
async function clash(
  docker: Docker,
  wanted: ManagementNetwork,
  error: unknown,
): Promise<Error | undefined> {
  if (isConflict(error)) return undefined;
  if (!/overlap/i.test(engineText(error))) {
    return engineError(docker, error, `network ${wanted.name}`);
  }
  for (const { Name, IPAM } of await docker.listNetworks()) {
    if (Name === wanted.name) continue;
    for (const { Subnet = "" } of IPAM?.Config ?? []) {
      const subnet = parsePrefix(Subnet);
      if (subnet === undefined || !overlap(subnet, wanted)) continue;
      return new EnvironmentError(
        `the management network ${wanted.name} (${wanted.ipv4Subnet}) overlaps with the Docker network ${Name} (${Subnet})`,
        `remove it (docker network rm ${Name}), or choose another mgmt.ipv4-subnet in the topology`,
      );
    }
  }
  return undefined;
}

function overlap(subnet: Prefix, { ipv4Subnet, ipv6Subnet }: ManagementNetwork): boolean {
  return [ipv4Subnet, ipv6Subnet].some(
    (own) =>
      own !== undefined &&
      own.includes(":") === subnet.includes(":") &&
      (prefixContains(own, prefixBase(subnet)) || prefixContains(subnet, prefixBase(own))),
  );
}

async function inspectNetwork(docker: Docker, name: string): Promise<Network | undefined> {
  let info: Docker.NetworkInspectInfo;
  try {
    info = await docker.getNetwork(name).inspect();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw engineError(docker, error, `network ${name}`);
  }
  const configs = (info.IPAM?.Config ?? []) as { Subnet?: string; Gateway?: string }[];
  const config = configs.find(({ Subnet }) => Subnet?.includes(".") === true);
  const ipv4Subnet = parsePrefix(config?.Subnet ?? "");
  if (ipv4Subnet === undefined) {
    throw new EnvironmentError(
      `the Docker network ${name} has no IPv4 subnet`,
      `remove it (docker network rm ${name}), or name another under mgmt.network in the topology`,
    );
  }
  const containers = Object.values(info.Containers ?? {});
  const taken = [
    config?.Gateway,
    ...containers.map(({ IPv4Address }) => IPv4Address.split("/")[0]),
  ];
  return {
    name,
    ipv4Subnet,
    taken: new Set(taken.flatMap((each) => parseAddress(each ?? "") ?? [])),
  };
}

/** kind makes the containers of its clusters itself. */
function isOurs(node: FabricNode): boolean {
  return node.kubernetes === undefined && node.managementNetwork !== undefined;
}
