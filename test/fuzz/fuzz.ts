import { FuzzedSpeaker, type Victim, victimOpen, victims } from "./fuzzed-speaker.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";

/** Between looks at the bystander's table. */
const checkEvery = 2000;
/** Of one victim, kept to find out what a failure needs. */
const historyMax = 500;

export type FuzzResult = { messages: number; ended: number; failure?: string };

/**
 * Sends mutated messages of the corpus into a whole speaker until one does what it must not, or
 * `count` are through. A failure is told with the seed and the shortest messages found that bring
 * it about, as hex. `onProgress` is called every so often.
 */
export function fuzz(
  corpus: readonly Uint8Array[],
  seed: number,
  count: number,
  onProgress?: (messages: number) => void,
): FuzzResult {
  const random = new Random(seed);
  const updates = corpus.filter((bytes) => bytes[18] === 2);
  const speaker = new FuzzedSpeaker();
  const history = new Map<Victim, Uint8Array[]>(victims.map((victim) => [victim, []]));
  for (let messages = 1; messages <= count; messages++) {
    const victim = random.pick(victims);
    const isOpen = random.oneIn(20);
    const bytes = isOpen
      ? mutate(victimOpen(victim), random, corpus)
      : mutate(random.oneIn(6) ? random.pick(corpus) : random.pick(updates), random, corpus);
    const cutAt = random.oneIn(8) ? random.below(bytes.length + 1) : bytes.length;
    const sent = history.get(victim)!;
    if (isOpen) sent.length = 0;
    else {
      sent.push(bytes);
      if (sent.length > historyMax) sent.shift();
    }
    const failure = isOpen ? speaker.sendOpen(victim, bytes) : speaker.send(victim, bytes, cutAt);
    const state = failure ?? (messages % checkEvery === 0 ? speaker.check() : undefined);
    if (state !== undefined) {
      const needed = isOpen ? [bytes] : shortest(victim, sent);
      return {
        messages,
        ended: speaker.ended,
        failure: report(state, seed, messages, victim, needed),
      };
    }
    if (onProgress !== undefined && messages % 100_000 === 0) onProgress(messages);
  }
  const left = speaker.end();
  return {
    messages: count,
    ended: speaker.ended,
    ...(left !== undefined && { failure: `${left} (seed ${seed}, after ${count} messages)` }),
  };
}

/** Sends the messages to a new speaker over the victim's session. What goes wrong, if anything. */
export function replay(victim: Victim, messages: readonly Uint8Array[]): string | undefined {
  const speaker = new FuzzedSpeaker();
  for (const bytes of messages) {
    const failure = speaker.send(victim, bytes, bytes.length) ?? speaker.check();
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** All that was sent, where a new speaker does not fail with it. */
function shortest(victim: Victim, sent: readonly Uint8Array[]): readonly Uint8Array[] {
  const fails = (messages: readonly Uint8Array[]) => replay(victim, messages) !== undefined;
  return fails(sent) ? shrink(sent, fails) : sent;
}

function report(
  failure: string,
  seed: number,
  messages: number,
  { name }: Victim,
  needed: readonly Uint8Array[],
): string {
  const hex = needed.map((bytes) => Buffer.from(bytes).toString("hex")).join("\n  ");
  return `${failure}\nseed ${seed}, message ${messages}, over the session "${name}":\n  ${hex}`;
}
