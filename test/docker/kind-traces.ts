import { existsSync, readdirSync, readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { labDirectory } from "../../src/lab/state-folder.ts";
import { testEngine } from "./engine.ts";

const docker = testEngine();
/** By this in their environment the processes that a command leaves behind are found. */
const mark = randomUUID();
process.env["SPINELAB_TEST_MARK"] = mark;
/** kind's own command leaves its network: then it is not the lab's. */
const hadNetwork = (await docker.listNetworks()).some(({ Name }) => Name === "kind");
/** Volumes seen in the containers of kind's nodes. */
const volumes = new Set<string>();

/** Containers of a kind cluster's nodes. */
export function kindContainers(cluster: string) {
  const filters = { label: [`io.x-k8s.kind.cluster=${cluster}`] };
  return docker.listContainers({ all: true, filters });
}

/** Remembers what the nodes have now, for `leftovers` to look for. */
export async function noteVolumes(cluster: string): Promise<void> {
  for (const { Mounts } of await kindContainers(cluster)) {
    for (const { Name } of Mounts) if (Name !== undefined) volumes.add(Name);
  }
}

/** What of the lab is there: of an engine that others use too, only what is the lab's. */
export async function leftovers(lab: string, cluster: string) {
  const [nodes, ofLab, networks, left] = await Promise.all([
    kindContainers(cluster),
    docker.listContainers({ all: true, filters: { label: [`spinelab.lab=${lab}`] } }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return {
    containers: [...nodes, ...ofLab].flatMap(({ Names }) => Names),
    networks: networks.map(({ Name }) => Name).filter((name) => name === "kind" && !hadNetwork),
    volumes: left.Volumes.map(({ Name }) => Name).filter((name) => volumes.has(name)),
    processes: readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isMarked(pid)),
    state: [labDirectory(lab)].filter((path) => existsSync(path)),
  };
}

export const nothing = { containers: [], networks: [], volumes: [], processes: [], state: [] };

function isMarked(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`SPINELAB_TEST_MARK=${mark}`);
  } catch {
    return false; // It has ended meanwhile.
  }
}
