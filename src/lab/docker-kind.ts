import { existsSync, writeFileSync } from "node:fs";
import { EnvironmentError } from "../input/diagnostic.ts";
import type { Engine } from "../runtime/docker/engine.ts";
import {
  ClusterExistsError,
  type CreateKindOptions,
  deleteKindCluster,
  KindCluster,
  type KindOptions,
} from "../runtime/docker/kind.ts";
import type { Cluster, Fabric } from "../topology/fabric.ts";
import { kindConfigOf } from "./kubernetes-kind-config.ts";
import { labDirectory, labNames } from "./state-folder.ts";

/** Makes a cluster of the lab; what there is of it then is found by the lab's folder. */
export async function makeKindCluster(
  {
    lab,
    fabric,
    cluster,
    engine,
  }: { lab: string; fabric: Fabric; cluster: Cluster; engine: Engine },
  more: Pick<CreateKindOptions, "whileStarting" | "signal">,
): Promise<KindCluster> {
  const creation = KindCluster.create({
    ...kindOptions(lab, cluster, engine),
    config: kindConfigOf(cluster),
    networkSubnet: fabric.management.find(({ name }) => name === "kind")?.ipv4Subnet,
    // kind has begun: from here on what there is of this name is the lab's.
    onProgress: () => writeFileSync(kindMark(lab, cluster), ""),
    image: process.env["SPINELAB_KIND_IMAGE"],
    ...more,
  });
  return await creation.catch((error: unknown) => {
    throw (error instanceof ClusterExistsError && heldByLab(cluster)) || error;
  });
}

/** Deletes the clusters of a lab whose process is gone. */
export async function deleteKindClusters(
  lab: string,
  fabric: Fabric,
  engine: Engine,
): Promise<void> {
  const made = fabric.clusters.filter((cluster) => existsSync(kindMark(lab, cluster)));
  await Promise.all(made.map((cluster) => deleteKindCluster(kindOptions(lab, cluster, engine))));
}

/** The error that names the lab which has the cluster, where it is one of this machine. */
function heldByLab(cluster: Cluster): EnvironmentError | undefined {
  const holder = labNames().find((lab) => existsSync(kindMark(lab, cluster)));
  if (holder === undefined) return undefined;
  return new EnvironmentError(
    `lab ${holder} has a kind cluster ${cluster.name}, and there cannot be two of one name`,
    `spinelab down ${holder}, or another name: in the cluster's file`,
  );
}

/** There once the lab has begun to make the cluster: one of that name without it is somebody else's. */
function kindMark(lab: string, { name }: Cluster): string {
  return `${labDirectory(lab)}/kind-${name}.made`;
}

function kindOptions(lab: string, { name }: Cluster, engine: Engine): KindOptions {
  return {
    name,
    kubeconfig: `${labDirectory(lab)}/kind-${name}.kubeconfig`,
    env: { ...process.env, ...engine.environment },
  };
}
