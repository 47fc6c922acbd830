import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import { finished, type Outcome, repository, until } from "../system/spinelab.ts";

type Ending = Promise<Outcome & { seconds: number }> & { child: ChildProcess };

/** The command `spinelab` as a user has it who uses this engine, with a state folder of its own. */
export type Commands = {
  run(...args: string[]): Promise<Outcome & { seconds: number }>;
  start(...args: string[]): Ending;
  until(what: string, look: () => boolean | Promise<boolean>): Promise<unknown>;
  /** Undefined where the lab has left none. */
  folderOf(lab: string): string | undefined;
};

export function commandsOn(
  host: string,
  state: string,
  env: Record<string, string | undefined> = {},
): Commands {
  const start = (...args: string[]): Ending => {
    const began = performance.now();
    const child = spawn(process.execPath, [path.join(repository, "bin/spinelab.mjs"), ...args], {
      cwd: repository,
      env: { ...process.env, NO_COLOR: "1", DOCKER_HOST: host, SPINELAB_STATE: state, ...env },
    });
    const ended = finished(child).then((outcome) => ({
      ...outcome,
      seconds: (performance.now() - began) / 1000,
    }));
    return Object.assign(ended, { child });
  };
  const folderOf = (lab: string) => {
    const folder = path.join(state, lab);
    return existsSync(folder) ? folder : undefined;
  };
  return {
    run: (...args) => start(...args),
    start,
    until: (what, look) => until(what, look, 60_000),
    folderOf,
  };
}

/** Names of a lab's containers, in whatever state. */
export async function leftOn(docker: Docker, lab: string): Promise<string[]> {
  const label = [`spinelab.lab=${lab}`];
  const containers = await docker.listContainers({ all: true, filters: { label } });
  return containers.flatMap(({ Names }) => Names);
}
