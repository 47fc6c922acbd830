import { DockerRuntime } from "../../src/runtime/docker/docker-runtime.ts";
import type { Fabric } from "../../src/topology/fabric.ts";
import { complies } from "../runtime/compliance.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";

const docker = testEngine();

/** Containers, the network unless another lab is on it, and interfaces of the machine. */
async function traces(fabric: Fabric): Promise<string[]> {
  const containers = await docker.listContainers({ all: true });
  return containers
    .filter(({ Labels }) => Labels["spinelab.lab"] === fabric.name)
    .flatMap(({ Names }) => Names);
}

complies({
  name: "docker",
  image: frrImage,
  create: async () => new DockerRuntime({ docker, speakerImage: await speakerImage(docker) }),
  traces,
});
