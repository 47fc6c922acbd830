import type { KubeObject } from "../kube/object.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import type { Sink } from "../timeline/log.ts";
import type { TopologyPicture } from "../timeline/record.ts";
import type { Fabric } from "../topology/fabric.ts";

/** All that a lab is built from, read and checked. Plain JSON: it travels to the supervisor. */
export type LabSpec = {
  /** The lab's name; fabric.name equals it. */
  name: string;
  runtime: RuntimeChoice;
  fabric: Fabric;
  picture: TopologyPicture;
  /** In the order to apply them, each with its place `file:line`. */
  manifests: { object: KubeObject; source: string }[];
  /** The agents put the routes they learn into the kernel's. */
  installRoutes?: true;
  /** Nodes that are not started with the lab. */
  stopped?: string[];
  /** What scenarios draw by chance follows from it. Undefined: another one each time. */
  seed?: number;
  /** Interfaces whose packets are kept: `tor0:net0`. */
  captures?: string[];
  /** Command line that repeats the run. */
  replay: string;
};

/** Where a lab runs, with what that needs to know. */
export type RuntimeChoice =
  | { kind: "netns" }
  /** Virtual time: one seed (LabSpec.seed), one course of events. */
  | { kind: "sim" }
  | {
      kind: "docker";
      /** `--docker`: unix://, tcp:// or ssh://; undefined: as the docker command finds its engine. */
      docker?: string;
      context?: string;
      /** How the speaker gets into a kind node: its image by DaemonSet, or copied for development. */
      inject: "image" | "copy";
    };

/** How the process that holds a lab opens it. */
export type LabOptions = {
  sinks: readonly Sink[];
  /** To be played first. */
  scenario?: Scenario | undefined;
  /** The lab goes on after a scenario that ends early. */
  staysUp?: boolean;
};
