import type { KubeObject } from "../kube/object.ts";
import type { TopologyPicture } from "../timeline/record.ts";
import type { Fabric } from "../topology/fabric.ts";

/** All that a lab is built from, read and checked. Plain JSON: it travels to the supervisor. */
export type LabSpec = {
  /** The lab's name; fabric.name equals it. */
  name: string;
  runtime: "netns";
  fabric: Fabric;
  picture: TopologyPicture;
  /** In the order to apply them, each with its place `file:line`. */
  manifests: { object: KubeObject; source: string }[];
  /** Command line that repeats the run. */
  replay: string;
};
