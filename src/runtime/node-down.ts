/** The node has no power: no command of it can run. */
export class NodeDownError extends Error {
  override readonly name = "NodeDownError";
  readonly node: string;

  constructor(node: string) {
    super(`node ${node} is not up`);
    this.node = node;
  }
}
