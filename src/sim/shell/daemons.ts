import { EnvironmentError } from "../../input/diagnostic.ts";
import type { FrrRouter } from "../frr/router.ts";
import { done, failed, type Output } from "./ip.ts";

/** `frrinit.sh start|stop|restart`. */
export function frrinit(
  router: FrrRouter | undefined,
  [verb]: readonly string[],
): Output | undefined {
  if (router === undefined) return failed("frrinit.sh: not found", 127);
  if (verb !== "start" && verb !== "stop" && verb !== "restart") return undefined;
  if (verb !== "start") router.stop("cease");
  return verb === "stop" ? done : started(router);
}

/** Throws EnvironmentError, naming what of the lab's frr.conf is not simulated. */
function started(router: FrrRouter): Output {
  const notSimulated = router.start();
  if (notSimulated.length > 0) throw notSimulatedError(router, notSimulated);
  return done;
}

/** Names every line. */
export function notSimulatedError({ node }: FrrRouter, lines: readonly string[]): EnvironmentError {
  return new EnvironmentError(
    lines.map((what) => `${node.name}: '${what.trim()}' is not simulated`).join("\n"),
    "run the lab with --runtime netns",
  );
}

/** `watchfrr.sh start|stop DAEMON`; undefined: of a daemon that is not simulated. */
export function watchfrr(
  router: FrrRouter | undefined,
  [verb, daemon]: readonly string[],
): Output | undefined {
  if (router === undefined) return failed("watchfrr.sh: not found", 127);
  if (verb !== "start" && verb !== "stop") return undefined;
  switch (daemon) {
    case "all":
    case "bgpd":
      if (verb === "start") return started(router);
      router.stop("cease");
      return done;
    case "bfdd":
      router.setBfdd(verb === "start");
      return done;
    default:
      return undefined;
  }
}

/** `kill -KILL $(cat /run/frr/DAEMON.pid)`, as the event `daemon` words it. */
export function killDaemon(router: FrrRouter | undefined, file: string): Output | undefined {
  switch (file.slice(file.lastIndexOf("/") + 1)) {
    case "bgpd.pid":
    case "*.pid":
      if (router?.isRunning !== true) return failed(`cat: ${file}: No such file or directory`, 1);
      router.stop("killed");
      return done;
    case "bfdd.pid":
      router?.setBfdd(false);
      return done;
    default:
      return undefined;
  }
}

/** `sed -i s/bfdd=no/bfdd=yes/ /etc/frr/daemons`: which daemons the next start brings. */
export function editDaemons(
  router: FrrRouter | undefined,
  words: readonly string[],
): Output | undefined {
  if (words.at(-1) !== "/etc/frr/daemons") return undefined;
  const edits = words.flatMap((word) => {
    // BMP tells a station, and in the simulation there is none.
    if (/^s\/\^bgpd_options="\/&-M bmp \/$/.test(word))
      return [{ daemon: "bgpd_options", isEnabled: false }];
    const edit = /^s\/(\w+)=(yes|no)\/\1=(yes|no)\/g?$/.exec(word);
    return edit === null ? [] : [{ daemon: edit[1]!, isEnabled: edit[3] === "yes" }];
  });
  for (const { daemon, isEnabled } of edits) {
    // Those that are always there are of no matter.
    if (daemon === "bgpd" || daemon === "bfdd") router?.enable(daemon, isEnabled);
    else if (isEnabled && daemon !== "zebra" && daemon !== "staticd") return undefined;
  }
  return edits.length === 0 ? undefined : done;
}

/** A log file that the configuration has asked for. */
export function catLog(router: FrrRouter | undefined, file: string): Output {
  const log = router?.logFile(file);
  return log === undefined
    ? failed(`cat: ${file}: No such file or directory`, 1)
    : { ...done, stdout: log };
}
