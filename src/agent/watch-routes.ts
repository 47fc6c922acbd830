import { RouteWatch } from "../sys/route-watch.ts";

/**
 * `watch-routes PID…`: route changes of the processes' network namespaces, one line of JSON each, after
 * the line `ready`. Ends with its standard input.
 */
export function watchRoutes(pids: readonly number[]): void {
  const watch = new RouteWatch();
  try {
    for (const pid of pids) {
      watch.add(`/proc/${pid}/ns/net`, ({ change, prefix, gateway }) => {
        process.stdout.write(`${JSON.stringify({ pid, change, prefix, via: gateway })}\n`);
      });
    }
  } catch (error) {
    watch.close(); // The others would keep this process.
    throw error;
  }
  process.stdout.write("ready\n");
  process.stdin.resume().once("end", () => watch.close());
}
