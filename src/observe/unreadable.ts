/** A node did not tell its state: daemon not running, command refused, answer not understood. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
  readonly node: string;
  readonly command: string;
  readonly output: string;

  constructor(node: string, command: string, output: string, options?: ErrorOptions) {
    const said = output.trim();
    super(`${node}: ${command}: ${said === "" ? "no output" : said}`, options);
    this.node = node;
    this.command = command;
    this.output = output;
  }
}
