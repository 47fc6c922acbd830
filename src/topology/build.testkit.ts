import { expect } from "vitest";
import { filesFor, shown } from "../input/files.testkit.ts";
import { buildFabric, type FabricInput } from "./fabric-build.ts";
import type { Fabric } from "./fabric.ts";

export const cluster = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
- role: worker
`;

/** The result of `topo.yaml`, with whatever other files are given. */
export function build(
  topology: string,
  {
    clusters = {},
    files = {},
    ...more
  }: Partial<Omit<FabricInput, "clusters">> & {
    clusters?: Record<string, string>;
    files?: Record<string, string>;
  } = {},
) {
  const path = filesFor({ "topo.yaml": topology, ...clusters, ...files });
  return buildFabric({
    environment: {},
    ...more,
    topology: path("topo.yaml"),
    clusters: Object.keys(clusters).map(path),
  });
}

export function fabricOf(...[topology, more]: Parameters<typeof build>): Fabric {
  const built = build(topology, more);
  expect(shown(built)).toEqual([]);
  return (built as { fabric: Fabric }).fabric;
}

export const two = `name: lab1
topology:
  nodes:
    a: {kind: linux}
    b: {kind: linux}
`;
