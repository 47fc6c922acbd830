import type { Environment } from "../sys/ssh/client-config.ts";
import { connectSsh, type SshConnection } from "../sys/ssh/connection.ts";
import { parseJump } from "../sys/ssh/target.ts";
import { EnvironmentError } from "../input/diagnostic.ts";
import type { ObservedRouter } from "../topology/fabric.ts";
import type { ExecOptions, ExecResult, Runtime } from "./port.ts";

/** An sshd lets 10 sessions run on one connection (MaxSessions of sshd_config(5)). */
const sessionsMax = 8;

/**
 * The runtime, with routers that it did not start and never changes: commands run there over SSH, and
 * nothing else does. Connections are made when they are first needed.
 */
export function withObserved(
  runtime: Runtime,
  routers: readonly ObservedRouter[],
  env: Environment,
): { runtime: Runtime; close(): Promise<void> } {
  const observed = new Map(routers.map((each) => [each.name, new ObservedShell(each, env)]));
  const refuse = (node: string, what: string): never => {
    throw new EnvironmentError(
      `${node} is only looked at: ${what} is not possible there`,
      "a lab changes nodes of its topology, not those under observe",
    );
  };
  const own: Pick<
    Runtime,
    "exec" | "watchRoutes" | "connectUnix" | "spawn" | "writeFile" | "echo"
  > = {
    exec(place, argv, options) {
      return observed.get(place.node)?.exec(argv, options) ?? runtime.exec(place, argv, options);
    },
    watchRoutes(nodes, onChange) {
      return runtime.watchRoutes(
        nodes.filter((node) => !observed.has(node)),
        onChange,
      );
    },
    connectUnix: async (node, path) =>
      observed.has(node) ? refuse(node, "opening a socket") : await runtime.connectUnix(node, path),
    spawn: (place, argv, options) =>
      observed.has(place.node)
        ? refuse(place.node, "starting a process")
        : runtime.spawn(place, argv, options),
    writeFile: async (node, ...file) =>
      observed.has(node) ? refuse(node, "writing a file") : await runtime.writeFile(node, ...file),
    echo: (place, ...rest) =>
      observed.has(place.node)
        ? refuse(place.node, "sending a probe")
        : runtime.echo(place, ...rest),
  };
  const looking = new Proxy(runtime, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    runtime: observed.size === 0 ? runtime : looking,
    async close() {
      await Promise.all([...observed.values()].map((shell) => shell.close()));
    },
  };
}

/** Commands on one router, over one connection that is made anew where it was lost. */
class ObservedShell {
  readonly #router: ObservedRouter;
  readonly #env: Environment;
  #connection: Promise<SshConnection> | undefined;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(router: ObservedRouter, env: Environment) {
    this.#router = router;
    this.#env = env;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { name, become = [] } = this.#router;
    if (options.stdin !== undefined) {
      throw new EnvironmentError(`${name} is only looked at`, "nothing is sent to its commands");
    }
    if (this.#running >= sessionsMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    const began = performance.now();
    let timer: NodeJS.Timeout | undefined;
    try {
      const words = [...become, ...envWords(options.env), ...argv];
      const connection = await this.#connected();
      const limit = new Promise<never>((_, reject) => {
        if (options.timeoutMs === undefined) return;
        const late = new Error(`${name}: ${argv.join(" ")}: no end within ${options.timeoutMs} ms`);
        timer = setTimeout(() => reject(late), options.timeoutMs);
      });
      const result = await Promise.race([connection.exec(words.map(quoted).join(" ")), limit]);
      return { ...result, tookMs: performance.now() - began };
    } finally {
      clearTimeout(timer);
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }

  async #connected(): Promise<SshConnection> {
    const { ssh, jump, identity, knownHosts, name } = this.#router;
    const source = `observe.${name}`;
    this.#connection ??= connectSsh(parseJump(ssh, `${source}.ssh`), this.#env, {
      ...(jump !== undefined && { jumps: [parseJump(jump, `${source}.jump`)] }),
      ...(identity !== undefined && { identityFiles: [identity], identitiesOnly: true }),
      ...(knownHosts !== undefined && { knownHostsFiles: [knownHosts] }),
    });
    try {
      const connection = await this.#connection;
      if (!connection.lost.aborted) return connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
    this.#connection = undefined;
    return await this.#connected();
  }
}

function envWords(env: Readonly<Record<string, string>> | undefined): string[] {
  if (env === undefined) return [];
  return ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
}

/** For the user's shell there, which reads a line. */
function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
