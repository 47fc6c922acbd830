import type { UpdateBatch } from "./update-batch.ts";

/** A batch for each audience, which one peer tells from the others. */
export class Audiences {
  readonly batches = new Map<string | undefined, UpdateBatch>();
  readonly #newBatch: () => UpdateBatch;
  /** The last of them that was asked for: neighbours in a table mostly came from one peer. */
  #lastPeer: string | undefined;
  #last: UpdateBatch | undefined;

  constructor(newBatch: () => UpdateBatch) {
    this.#newBatch = newBatch;
  }

  batch(peer: string | undefined): UpdateBatch {
    if (this.#last !== undefined && peer === this.#lastPeer) return this.#last;
    let batch = this.batches.get(peer);
    if (batch === undefined) this.batches.set(peer, (batch = this.#newBatch()));
    this.#lastPeer = peer;
    this.#last = batch;
    return batch;
  }
}
