import type Docker from "dockerode";

const logLinesMax = 20;

/** A container that ended, with the last it printed. */
export async function endedError(
  container: Docker.Container,
  node: string,
  { ExitCode, OOMKilled, Error: reason }: Docker.ContainerInspectInfo["State"],
): Promise<Error> {
  const why = [OOMKilled ? "out of memory" : "", reason].filter((each) => each !== "").join(", ");
  const end = `node ${node}: its container ended with status ${ExitCode}${why && ` (${why})`}`;
  return new Error(`${end}\n${await lastPrinted(container)}`);
}

/** The last lines of a container's own log, in which its two outputs are one: it has a terminal. */
export async function lastPrinted(container: Docker.Container): Promise<string> {
  try {
    const log = await container.logs({ stdout: true, stderr: true, tail: logLinesMax });
    return log.toString("utf8").trim() || "(it printed nothing)";
  } catch (error) {
    return `(its log cannot be read: ${(error as Error).message})`;
  }
}
