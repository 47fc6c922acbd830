import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { finished, type Outcome, repository, until } from "../system/spinelab.ts";

type Ending = Promise<Outcome & { seconds: number }> & { child: ChildProcess };

/** The command `spinelab` as a user has it who uses this engine, with a state folder of its own. */
export type Commands = {
  run(...args: string[]): Promise<Outcome & { seconds: number }>;
  start(...args: string[]): Ending;
  /** What it writes, byte by byte. */
  bytes(...args: string[]): Promise<{ status: number; bytes: Buffer }>;
  /** Its words for a shell. */
  line(...args: string[]): string;
  /** Another command in the same environment. */
  other(...argv: [string, ...string[]]): Promise<Outcome>;
  until(what: string, look: () => boolean | Promise<boolean>): Promise<unknown>;
  /** Undefined where the lab has left none. */
  folderOf(lab: string): string | undefined;
};

export function commandsOn(
  host: string,
  state: string,
  env: Record<string, string | undefined> = {},
): Commands {
  const launcher = [process.execPath, path.join(repository, "bin/spinelab.mjs")];
  const spawned = (argv: readonly string[]): ChildProcess =>
    spawn(argv[0]!, argv.slice(1), {
      cwd: repository,
      env: { ...process.env, NO_COLOR: "1", DOCKER_HOST: host, SPINELAB_STATE: state, ...env },
    });
  const start = (...args: string[]): Ending => {
    const began = performance.now();
    const child = spawned([...launcher, ...args]);
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
    async bytes(...args) {
      const child = spawned([...launcher, ...args]);
      const ended = once(child, "close") as Promise<[number]>;
      const bytes = await buffer(child.stdout!);
      return { status: (await ended)[0], bytes };
    },
    line: (...args) =>
      [...launcher, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" "),
    other: (...argv) => finished(spawned(argv)),
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
