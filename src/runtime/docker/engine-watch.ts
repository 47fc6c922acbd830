import { once, setMaxListeners } from "node:events";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { labLabel } from "./containers.ts";

/** How often the engine is asked whether it lives, and for how long it may be silent. */
const pingEveryMs = 5_000;
const silentMsMax = 15_000;

/** What ends a connection, as far as can be told from here. */
const ended = "was stopped or restarted, or the connection to it was cut";

/** A container of the lab ended: its name and status. */
type OnEnded = (container: { id: string; node: string; exitCode: number }) => void;

/**
 * Follows an engine while a lab is on it. An engine that is killed, stopped, restarted, hangs, or whose
 * connection is cut, is lost: then every request to it ends at once and every later one is refused,
 * all with the same EnvironmentError. So nothing waits for an answer that cannot come any more:
 * dockerode has no time limits, and knows of an answer that breaks off only where it is a stream.
 *
 * What the containers of before are worth after a loss nobody knows: so there is no way back but
 * another `connectEngine`, by which what is left can be removed.
 */
export class EngineWatch {
  readonly #docker: Docker;
  readonly #where: string;
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  #events: Readable | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(docker: Docker, where: string) {
    this.#docker = docker;
    this.#where = where;
    const over = AbortSignal.any([this.#lost.signal, this.#stopped.signal]);
    setMaxListeners(0, this.#lost.signal, this.#stopped.signal, over);
    guard(docker, over, () => this.#lose(ended));
  }

  /** From now on. `where`: the engine for people. `onEnded` hears of containers of the lab. */
  static async begin(
    { docker, where }: { docker: Docker; where: string },
    lab: string,
    onEnded: OnEnded,
  ): Promise<EngineWatch> {
    const watch = new EngineWatch(docker, where);
    watch.#ask();
    await watch.#follow(lab, onEnded);
    return watch;
  }

  /** Aborted when the engine is lost; the reason is the EnvironmentError that says so. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends what is still asked, too: the engine leaves requests about containers unanswered that went meanwhile. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort(new Error("the lab is down"));
    this.#events?.destroy();
  }

  /** The engine's events end with the engine, and with the connection to it. */
  async #follow(lab: string, onEnded: OnEnded): Promise<void> {
    const filters = JSON.stringify({
      type: ["container"],
      event: ["die"],
      label: [`${labLabel}=${lab}`],
    });
    const events = (await this.#docker.getEvents({ filters })) as NodeJS.ReadableStream as Readable;
    this.#events = events;
    let rest = "";
    events.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines.filter((each) => each.trim() !== "")) {
        const { Actor } = JSON.parse(line) as ContainerEvent;
        const node = Actor.Attributes["clab-node-name"];
        if (node === undefined) continue; // the helper, which ends with the lab
        onEnded({ id: Actor.ID, node, exitCode: Number(Actor.Attributes["exitCode"]) });
      }
    });
    events.on("error", () => {}); // "close" follows
    events.once("close", () => this.#lose(ended));
  }

  /** One that hangs, or a network that swallows everything, ends no connection. */
  #ask(): void {
    this.#timer = setTimeout(async () => {
      const silent = AbortSignal.timeout(silentMsMax);
      const answer = this.#docker.ping().then(
        () => "pong",
        (error: Error) => error.message,
      );
      const said = await Promise.race([answer, once(silent, "abort").then(() => "silence")]);
      if (this.#stopped.signal.aborted || this.#lost.signal.aborted) return;
      if (said === "pong") this.#ask();
      else if (said === "silence") this.#lose(`has not answered for ${silentMsMax / 1000} s`);
      else this.#lose(`does not answer any more (${said})`);
    }, pingEveryMs).unref();
  }

  #lose(how: string): void {
    if (this.#stopped.signal.aborted || this.#lost.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#lost.abort(
      new EnvironmentError(
        `the Docker engine at ${this.#where} ${how}, and the lab on it is lost`,
        "see that it runs (docker version), take the lab down (spinelab down), and deploy it again",
      ),
    );
    this.#events?.destroy();
  }
}

type ContainerEvent = { Actor: { ID: string; Attributes: Record<string, string> } };

/**
 * Every request of dockerode goes through `modem.dial`, streams and hijacked connections as well.
 * `lose` aborts `over`: a request may meet the engine's end before its events do.
 */
function guard({ modem }: Docker, over: AbortSignal, lose: () => void): void {
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    if (over.aborted) return queueMicrotask(() => callback?.(over.reason, null));
    let isOver = false;
    const finish: NonNullable<typeof callback> = (error, answer) => {
      if (isOver) {
        if (answer instanceof Readable) answer.destroy();
        return;
      }
      isOver = true;
      over.removeEventListener("abort", onLost);
      if (isConnectionError(error)) lose();
      if (answer instanceof Readable) endWith(over, answer);
      callback?.(over.aborted ? over.reason : error, answer);
    };
    const onLost = () => finish(over.reason, null);
    over.addEventListener("abort", onLost);
    const given = options.abortSignal;
    dial({ ...options, abortSignal: given ? AbortSignal.any([over, given]) : over }, finish);
  };
}

function isConnectionError(error: unknown): boolean {
  const { code, syscall, message = "" } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall === "connect" || code === "ECONNRESET" || code === "EPIPE") return true;
  return message.includes("socket hang up");
}

function endWith(over: AbortSignal, stream: Readable): void {
  const onLost = () => stream.destroy(over.reason as Error);
  over.addEventListener("abort", onLost);
  stream.once("close", () => over.removeEventListener("abort", onLost));
}
