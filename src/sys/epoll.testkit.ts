/** A process with a thread that waits for a descriptor; it ends as its argument says. */
import { ReadinessLoop } from "./epoll.ts";
import { openNetlink } from "./libc.ts";

new ReadinessLoop().add(openNetlink([]), () => {});
setImmediate(() => {
  if (process.argv[2] === "exit") process.exit(3);
  throw new Error("of the test");
});
