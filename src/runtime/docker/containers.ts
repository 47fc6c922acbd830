import type Docker from "dockerode";
import type { Fabric, FabricNode, HealthCheck } from "../../topology/fabric.ts";
import { nodeSysctls } from "../node-settings.ts";
import { portBindings } from "./port-bindings.ts";

/** Every container of a lab has it, with the lab's name: what bears it goes with the lab. */
export const labLabel = "spinelab.lab";

/** What a container is given beyond what the fabric says of its node. */
export type Placement = {
  /** Docker network of eth0, with the addresses there; absent: no eth0. */
  network?: { name: string; ipv4: string; ipv6?: string };
  /** For /etc/hosts. */
  hosts: readonly { address: string; names: readonly string[] }[];
  /** Image for nodes that are a bridge: a namespace to hold it is all they need. */
  bridgeImage: string;
};

/** `clab-lab-node`: containerlab's name. */
export function containerName(fabric: Fabric, node: FabricNode): string {
  if (node.kubernetes !== undefined) return node.name;
  return fabric.prefix === "" ? node.name : `${fabric.prefix}-${node.name}`;
}

/** The container of a node, as the engine is asked for it. Throws where the node has no image. */
export function containerOptions(
  fabric: Fabric,
  node: FabricNode,
  placement: Placement,
): Docker.ContainerCreateOptions {
  const { network } = placement;
  const own = node.kind === "bridge" ? bridgeProgram(placement) : program(node);
  return {
    name: containerName(fabric, node),
    Hostname: node.hostname,
    ...own,
    // As containerlab does: `cmd: bash` waits at a terminal and would end at once without one.
    Tty: true,
    OpenStdin: true,
    Env: Object.entries(node.env).map(([key, value]) => `${key}=${value}`),
    Labels: { ...containerlabLabels(fabric, node), ...node.labels, [labLabel]: fabric.name },
    HostConfig: {
      // Reaps the children of daemons that were killed, else their watcher waits for them.
      Init: true,
      NetworkMode: network?.name ?? "none",
      CapAdd: capabilities(node),
      ReadonlyPaths: readonlyPaths,
      Sysctls: dotted({ ...nodeSysctls, ...node.sysctls }),
      Binds: node.binds.map(
        ({ source, destination, readOnly }) => `${source}:${destination}${readOnly ? ":ro" : ""}`,
      ),
      ExtraHosts: placement.hosts.flatMap(({ address, names }) =>
        names.map((name) => `${name}:${address}`),
      ),
      ...(own.PortBindings === undefined ? {} : { PortBindings: own.PortBindings }),
    },
    ...(network === undefined
      ? {}
      : {
          NetworkingConfig: {
            EndpointsConfig: {
              [network.name]: {
                Aliases: [node.name, ...node.aliases],
                IPAMConfig: {
                  IPv4Address: network.ipv4,
                  ...(network.ipv6 === undefined ? {} : { IPv6Address: network.ipv6 }),
                },
              },
            },
          },
        }),
  };
}

/** The container in whose network namespace the links of stopped nodes are kept. */
export function parkingOptions(lab: string, image: string): Docker.ContainerCreateOptions {
  return {
    name: `spinelab-parking-${lab}`,
    Image: image,
    Entrypoint: ["sleep", "infinity"],
    Cmd: [],
    Labels: { [labLabel]: lab },
    HostConfig: { NetworkMode: "none", CapDrop: ["ALL"], ReadonlyRootfs: true },
  };
}

type Program = Pick<
  Docker.ContainerCreateOptions,
  "Image" | "Cmd" | "Entrypoint" | "User" | "ExposedPorts" | "Healthcheck"
> & { PortBindings?: Docker.PortMap };

function program(node: FabricNode): Program {
  if (node.image === undefined) throw new Error(`node ${node.name} has no image`);
  const { command, entrypoint, user, ports = [], health } = node.container ?? {};
  return {
    Image: node.image,
    ...(command === undefined ? {} : { Cmd: command }),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(user === undefined ? {} : { User: user }),
    ...(health === undefined ? {} : { Healthcheck: healthcheck(health) }),
    ...(ports.length === 0 ? {} : portBindings(ports)),
  };
}

function bridgeProgram(placement: Placement): Program {
  return { Image: placement.bridgeImage, Entrypoint: ["sleep", "infinity"], Cmd: [] };
}

/** Nanoseconds, as the engine wants them. */
function healthcheck(health: HealthCheck): Docker.HealthConfig {
  return {
    Test: health.test,
    Interval: health.intervalSeconds * 1e9,
    Timeout: health.timeoutSeconds * 1e9,
    Retries: health.retries,
    StartPeriod: health.startPeriodSeconds * 1e9,
  };
}

/** A router's daemons refuse to start without SYS_ADMIN; other nodes only configure their network. */
function capabilities(node: FabricNode): string[] {
  if (node.kind === "bridge") return [];
  const needed = ["NET_ADMIN", "NET_RAW"];
  if (/frr/i.test(node.image ?? "")) needed.push("SYS_ADMIN");
  return [...new Set([...needed, ...(node.container?.capabilities ?? [])])];
}

/**
 * The engine's own list, with the parts of /proc/sys in place of the whole: /proc/sys/net belongs to
 * the container's namespace, and topologies write there.
 */
const readonlyPaths = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sysrq-trigger",
  ...["abi", "crypto", "debug", "dev", "fs", "kernel", "sunrpc", "user", "vm"].map(
    (part) => `/proc/sys/${part}`,
  ),
];

/** The labels that containerlab's own commands look for. */
function containerlabLabels(fabric: Fabric, node: FabricNode): Record<string, string> {
  return {
    containerlab: fabric.name,
    "clab-node-name": node.name,
    "clab-node-longname": containerName(fabric, node),
    "clab-node-kind": node.kind,
  };
}

/** `net/ipv4/ip_forward` → `net.ipv4.ip_forward`. */
function dotted(sysctls: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sysctls).map(([key, value]) => [key.replaceAll("/", "."), value]),
  );
}
