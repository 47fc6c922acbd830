import { killDaemon } from "./daemons.ts";
import type { ShellPlace } from "./command.ts";
import { done, type Output } from "./ip.ts";
import { pipeline } from "./pipeline.ts";
import { startProgram } from "./programs.ts";

type Run = (argv: readonly string[]) => Promise<Output | undefined>;

/**
 * `sh -c SCRIPT`: signals to all processes or to a daemon, `[ ! -e FILE ] || COMMAND`, a command whose output goes
 * to greps, and a program in the background. Undefined: anything else.
 */
export async function sh(place: ShellPlace, script: string, run: Run): Promise<Output | undefined> {
  const signal = /^kill -(STOP|CONT) -1$/.exec(script)?.[1];
  if (signal !== undefined) {
    const { processes } = place.node;
    if (signal === "STOP") processes.pause();
    else processes.unpause();
    return done;
  }
  const pidFile = /^kill -KILL \$\(cat (\S+)\)$/.exec(script)?.[1];
  if (pidFile !== undefined) return killDaemon(place.router, pidFile);
  // No watchfrr is simulated, and so nothing is in the way of a daemon's start.
  if (/^\[ ! -d (\/run\/frr\/\w+\.pid) \] \|\| rmdir \1$/.test(script)) return done;
  // Which of other BGP daemons run: none is simulated.
  if (/^(?:pgrep -x \S+ >\/dev\/null && echo \S+; )+true$/.test(script)) return done;
  // Only FRR's own file is asked for, and reading one that is not there changes nothing.
  const whereThere = /^\[ ! -e \/etc\/frr\/frr\.conf \] \|\| (.+)$/.exec(script)?.[1];
  return await pipeline(whereThere ?? script, {
    run,
    start: (argv) => void startProgram(place, argv),
  });
}
