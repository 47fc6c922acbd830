import type { BgpDaemon } from "./daemons/daemon.ts";
import { type Outcome, type Row, tryAll } from "./matrix.ts";
import { Sandbox } from "./sandbox.ts";
import type { Column } from "./table.ts";

/** A column under way: its rows are tried one after the other, those of other lanes at the same time. */
export class Lane {
  readonly name: string;
  readonly #version: Promise<string>;
  readonly #outcomes: ReadonlyMap<string, PromiseWithResolvers<Outcome>>;

  constructor(daemon: BgpDaemon, rows: readonly Row[]) {
    this.name = daemon.name;
    this.#outcomes = new Map(rows.map(({ id }) => [id, Promise.withResolvers<Outcome>()]));
    this.#version = versionOf(daemon);
    void this.#run(daemon, rows);
  }

  async #run(daemon: BgpDaemon, rows: readonly Row[]): Promise<void> {
    try {
      await this.#version;
      await tryAll(daemon, rows, (id, outcome) => this.#outcomes.get(id)!.resolve(outcome));
    } catch (error) {
      for (const outcome of this.#outcomes.values()) {
        // Whoever waits for it hears of it; nobody has to.
        outcome.promise.catch(() => {});
        outcome.reject(error);
      }
    }
  }

  version(): Promise<string> {
    return this.#version;
  }

  /** Of one row, as soon as it is known. Throws where the daemon is not there at all. */
  outcome(id: string): Promise<Outcome> {
    return this.#outcomes.get(id)!.promise;
  }

  /** When all rows are through. */
  async column(): Promise<Column> {
    const outcomes = new Map<string, Outcome>();
    for (const [id, { promise }] of this.#outcomes) outcomes.set(id, await promise);
    return { name: this.name, version: await this.#version, outcomes };
  }
}

async function versionOf(daemon: BgpDaemon): Promise<string> {
  await using sandbox = await Sandbox.start("version");
  // The sandbox has to stay until then.
  return await daemon.version(sandbox);
}
