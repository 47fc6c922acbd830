import { createInterface, type Interface } from "node:readline";

/** Asks before each step of a scenario, on this terminal. Lines that are piped in do as well. */
export class Stepper implements Disposable {
  readonly #lines: Interface;
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #typed: string[] = [];
  #ended = false;

  constructor() {
    this.#lines = createInterface({ input: process.stdin });
    this.#lines.on("line", (line) => {
      const next = this.#waiting.shift();
      if (next) next(line);
      else this.#typed.push(line);
    });
    this.#lines.on("close", () => {
      this.#ended = true;
      for (const next of this.#waiting.splice(0)) next(undefined);
    });
  }

  /** Whether step `index` shall be played; false: the run ends here. */
  async ask(index: number, name: string, lab: string): Promise<boolean> {
    for (;;) {
      process.stderr.write(
        `next: step ${index + 1}, ${name}   [Enter] play it  [?] help  [q] end  `,
      );
      const answer = (await this.#nextLine())?.trim();
      process.stderr.write("\n");
      if (answer === "") return true;
      if (answer === undefined || answer === "q") return false;
      process.stderr.write(`the lab is up; look at it from another terminal:\n${waysToLook(lab)}`);
    }
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }

  #nextLine(): Promise<string | undefined> {
    const typed = this.#typed.shift();
    if (typed !== undefined || this.#ended) return Promise.resolve(typed);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** What to type at a lab that is up, a line each. */
export function waysToLook(lab: string): string {
  return [
    `  spinelab doctor ${lab}                what is wrong, and where`,
    `  spinelab inspect ${lab}               nodes, links, sessions`,
    `  spinelab shell NODE --lab ${lab}      a shell in a node`,
    `  spinelab capture NODE:IF --lab ${lab} packets on a link`,
    `  spinelab down ${lab}                  take it down`,
    "",
  ].join("\n");
}
