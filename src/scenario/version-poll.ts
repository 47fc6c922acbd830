import { frrText, parseFrrSummary, parseJson, tryOpenVty } from "../observe/frr.ts";
import type { VtyConnection } from "../observe/vty.ts";
import type { ScenarioContext } from "./context.ts";

const pollMsMin = 40;
/** For nodes without a BGP daemon, and while one is not running. */
const pollUnreadableMs = 500;
/** A router that takes longer is not waited for. */
const answerWithinMs = 2_000;
const pauseMsMax = 5_000;
/** Polling may take one part in so many of a router's time. */
const pollShare = 10;
const versionCommand = "show bgp summary json";

/** Watches the table versions of one router, over one connection as long as it lasts. */
export class VersionPoll {
  readonly node: string;
  readonly #context: ScenarioContext;
  #vty: VtyConnection | undefined;
  #version: string | undefined;
  /** The version that `look` spoke of last. */
  #toldVersion: string | undefined;
  #readable = false;
  #looking: Promise<void> = Promise.resolve();
  /** A look that has not begun: whoever asks meanwhile shares it. */
  #nextLook: Promise<void> | undefined;

  constructor(context: ScenarioContext, node: string) {
    this.#context = context;
    this.node = node;
  }

  async run(stop: AbortSignal, onChange: () => void): Promise<void> {
    const { clock } = this.#context;
    using _ = { [Symbol.dispose]: () => this.#vty?.[Symbol.dispose]() };
    while (!stop.aborted) {
      const beganMs = clock.nowMs();
      if (await this.look(stop)) onChange();
      const leastMs = this.#readable ? pollMsMin : pollUnreadableMs;
      const pauseMs = Math.max(leastMs, pollShare * (clock.nowMs() - beganMs));
      // Rejects only where it is told to stop.
      await clock.wait(Math.min(pauseMs, pauseMsMax), stop).catch(() => undefined);
    }
  }

  /**
   * Whether the version is another than at the last look. A router that cannot be read, or does not
   * answer for a while because it is paused, has not changed.
   */
  async look(stop?: AbortSignal): Promise<boolean> {
    // One after the other: there is one connection.
    this.#nextLook ??= this.#looking.then(() => {
      this.#nextLook = undefined;
      return this.#lookOnce();
    });
    this.#looking = this.#nextLook;
    const answered = new AbortController();
    const over = stop ? AbortSignal.any([answered.signal, stop]) : answered.signal;
    const silent = this.#context.clock.wait(answerWithinMs, over).then(
      () => (this.#readable = false),
      () => undefined,
    );
    await Promise.race([this.#looking, silent]);
    answered.abort();
    const before = this.#toldVersion;
    this.#toldVersion = this.#version;
    return before !== undefined && before !== this.#version;
  }

  async #lookOnce(): Promise<void> {
    try {
      this.#version = versionsOf(this.node, await this.#ask());
      this.#readable = true;
    } catch {
      this.#readable = false;
    }
  }

  async #ask(): Promise<string> {
    const { runtime } = this.#context;
    if (this.#vty?.isOpen !== true) {
      this.#vty = await tryOpenVty(runtime, this.node, "bgpd");
    }
    if (this.#vty === undefined) return await frrText(runtime, this.node, "bgpd", versionCommand);
    return (await this.#vty.run(versionCommand)).output;
  }
}

/** The versions of all families. */
function versionsOf(node: string, text: string): string {
  const families = parseJson(node, versionCommand, text) as Record<string, unknown>;
  return Object.entries(families)
    .map(([family, of]) => `${family}=${parseFrrSummary(of).tableVersion}`)
    .join(" ");
}
