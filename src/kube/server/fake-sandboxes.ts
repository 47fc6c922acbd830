import { PassThrough } from "node:stream";
import type { PodExec, PodName, PodSandboxes, PodToRun } from "../pod-sandbox.ts";

/** For tests: pods that only remember that they were started. */
export class FakeSandboxes implements PodSandboxes {
  readonly running = new Map<string, PodToRun>();
  readonly calls: string[] = [];
  /** Makes the next starts or stops fail. */
  failStart: string | undefined;
  failStop: string | undefined;
  log = "";
  /** How many commands saw their input end. */
  inputsEnded = 0;

  start(pod: PodToRun): Promise<void> {
    this.calls.push(`start ${pod.name} ${pod.addresses.join(",")}`);
    if (this.failStart !== undefined) return Promise.reject(new Error(this.failStart));
    this.running.set(`${pod.namespace}/${pod.name}`, pod);
    return Promise.resolve();
  }

  stop({ namespace, name }: PodName): Promise<void> {
    this.calls.push(`stop ${name}`);
    if (this.failStop !== undefined) return Promise.reject(new Error(this.failStop));
    this.running.delete(`${namespace}/${name}`);
    return Promise.resolve();
  }

  releaseCidrs(node: string, cidrs: readonly string[]): Promise<void> {
    this.calls.push(`release ${node} ${cidrs.join(",")}`);
    return Promise.resolve();
  }

  /** `echo WORDS` writes them, `cat` gives its stdin back, `exit N` ends with N, `fail` cannot start. */
  exec(_pod: PodName, argv: readonly string[], options: { terminal: boolean }): PodExec {
    const [command, ...words] = argv;
    if (command === "fail") throw new Error("no such command");
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const sizes: string[] = [];
    stdin.on("end", () => this.inputsEnded++);
    if (command === "cat") stdin.pipe(stdout);
    else {
      stdin.resume();
      if (command === "echo") stdout.write(`${words.join(" ")}\n`);
      if (command === "size") stdin.on("data", () => stdout.write(sizes.join(" ")));
      if (!options.terminal) stderr.write("warned\n");
    }
    const done = command === "size" || command === "cat" ? once(stdin, "end") : Promise.resolve();
    return {
      stdin,
      stdout,
      stderr: options.terminal ? undefined : stderr,
      resize: (columns, rows) => sizes.push(`${columns}x${rows}`),
      ended: done.then(() => {
        if (command !== "cat") stdout.end();
        stderr.end();
        return { exitCode: command === "exit" ? Number(words[0]) : 0 };
      }),
    };
  }

  logs(): Promise<string> {
    return Promise.resolve(this.log);
  }
}

const once = (stream: PassThrough, event: string) =>
  new Promise<void>((resolve) => void stream.once(event, () => resolve()));
