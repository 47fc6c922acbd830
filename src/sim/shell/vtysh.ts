import { clearBgp } from "../frr/clear.ts";
import type { FrrRouter } from "../frr/router.ts";
import { show } from "../frr/show.ts";
import { notSimulatedError } from "./daemons.ts";
import { done, failed, type Output } from "./ip.ts";

/** How long one waits for an answer of daemons that stand still before it is of no use any more. */
const noAnswerMs = 10_000;

/** `vtysh -c COMMAND…` and `vtysh -b`; undefined: a command that is not simulated. */
export async function vtysh(
  router: FrrRouter | undefined,
  words: readonly string[],
): Promise<Output | undefined> {
  if (router === undefined) return failed("vtysh: not found", 127);
  const { node, world } = router;
  if (node.processes.arePaused) {
    await world.sleep(noAnswerMs);
    return failed("vtysh: no answer from bgpd", 1);
  }
  await world.sleep(router.timing.vtyshMs);
  if (words.join(" ") === "-b") {
    router.readSaved();
    return done;
  }
  const commands = words.filter((_, i) => words[i - 1] === "-c").map((each) => each.trim());
  const configureAt = commands.findIndex((each) => each.startsWith("conf"));
  const lines = configureAt < 0 ? [] : commands.slice(configureAt + 1);
  let stdout = "";
  for (const command of configureAt < 0 ? commands : commands.slice(0, configureAt)) {
    const printed = operational(router, command);
    if (printed === undefined) return undefined;
    stdout += printed;
  }
  const notSimulated = router.configure(lines);
  if (notSimulated.length === 0) return { ...done, stdout };
  throw notSimulatedError(router, notSimulated);
}

/** What it prints. */
function operational(router: FrrRouter, command: string): string | undefined {
  if (/^write\b/.test(command)) {
    router.save();
    return "";
  }
  if (/^clear\b/.test(command)) return clearBgp(router, command);
  return show(router, command.replace(/^sh /, "show "), router.world.clock.nowMs);
}
