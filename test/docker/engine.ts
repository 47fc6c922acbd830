import Docker from "dockerode";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { ensureSpeakerImage } from "../../src/lab/speaker-image.ts";

/** The engine that `make test-docker` starts, or that the caller names. */
export function testEngine(): Docker {
  const host = process.env["DOCKER_HOST"];
  if (host === undefined || !host.startsWith("unix://")) {
    throw new EnvironmentError(
      "no engine for tests: DOCKER_HOST names no socket",
      "make test-docker",
    );
  }
  return new Docker({ socketPath: host.slice("unix://".length) });
}

export const frrImage = "spinelab/frr";

export const speakerImage = (docker: Docker): Promise<string> =>
  ensureSpeakerImage(docker, () => {});
