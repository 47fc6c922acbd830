import type { PeerStatus } from "../../src/bgp/speaker/views.ts";
import { until as untilEvery20Ms } from "../system/spinelab.ts";
import type { BgpDaemon, DaemonConfig, Family, Neighbor, RunningDaemon } from "./daemons/daemon.ts";
import { connect, Sandbox } from "./sandbox.ts";
import { SpinelabSpeaker } from "./spinelab-speaker.ts";
import { type TappedMessage, WireTap } from "./wire-tap.ts";

/** Where both ends of the cable are, by address family. */
export const here = { ipv4: "10.99.0.1", ipv6: "fd99::1" } as const;
export const there = { ipv4: "10.99.0.2", ipv6: "fd99::2" } as const;

/** The end of the cable on both sides. */
const link = "eth1";

export const ourAsn = 65010;
export const theirAsn = 65020;

export type PairOptions = {
  /** What the session runs over, and the families of its routes where those are others. */
  over?: Family;
  families?: readonly Family[];
  /** AS numbers, where it matters. */
  asns?: { ours: number; theirs: number };
  /** Without addresses: each side finds the other behind the interface. */
  unnumbered?: true;
  /** More of the daemon's side of the session. */
  neighbor?: Partial<Neighbor>;
  daemon?: Partial<DaemonConfig>;
  /** More of the speaker's side of the session, as in its file. */
  peer?: object;
  /** More of the speaker's file; `peers` come after the daemon. */
  speaker?: { peers?: readonly object[]; originate?: readonly string[] };
  /** Further addresses on our side, for more speakers. */
  addresses?: readonly string[];
};

/** Spinelab's speaker and a daemon at the two ends of a cable, with one session between them. */
export class Pair implements AsyncDisposable {
  readonly ours: Sandbox;
  readonly theirs: Sandbox;
  readonly tap: WireTap;
  readonly #kind: BgpDaemon;
  readonly #options: PairOptions;
  #daemon: RunningDaemon | undefined;
  #speaker: SpinelabSpeaker | undefined;

  private constructor(
    kind: BgpDaemon,
    options: PairOptions,
    machines: { ours: Sandbox; theirs: Sandbox; tap: WireTap },
  ) {
    this.#kind = kind;
    this.#options = options;
    this.ours = machines.ours;
    this.theirs = machines.theirs;
    this.tap = machines.tap;
  }

  /** Both run; whether there is a session is for the caller to see. */
  static async start(kind: BgpDaemon, options: PairOptions = {}): Promise<Pair> {
    const pair = await Pair.prepare(kind, options);
    try {
      await Promise.all([pair.startDaemon(), pair.startSpeaker()]);
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The machines and the cable alone. */
  static async prepare(kind: BgpDaemon, options: PairOptions = {}): Promise<Pair> {
    const [ours, theirs] = await Promise.all([Sandbox.start("spinelab"), Sandbox.start("peer")]);
    try {
      const { addresses = [], unnumbered } = options;
      const numbers = (of: typeof here | typeof there) =>
        unnumbered ? [] : [`${of.ipv4}/24`, `${of.ipv6}/64`];
      await connect([
        { sandbox: ours, addresses: [...numbers(here), ...addresses] },
        { sandbox: theirs, addresses: numbers(there) },
      ]);
      return new Pair(kind, options, { ours, theirs, tap: await WireTap.start(ours) });
    } catch (error) {
      await Promise.all([ours, theirs].map((each) => each[Symbol.asyncDispose]()));
      throw error;
    }
  }

  get daemon(): RunningDaemon {
    if (this.#daemon === undefined) throw new Error("the daemon was not started");
    return this.#daemon;
  }

  get speaker(): SpinelabSpeaker {
    if (this.#speaker === undefined) throw new Error("the speaker was not started");
    return this.#speaker;
  }

  get #over(): Family {
    return this.#options.over ?? "ipv4";
  }

  /** The daemon's address, and ours, on the session; where they have none, the interface. */
  get their(): string {
    return this.#options.unnumbered ? link : there[this.#over];
  }

  get our(): string {
    return this.#options.unnumbered ? link : here[this.#over];
  }

  /** `change`: of the configuration that the pair was made with; `recovering`: it was killed. */
  async startDaemon(change: Partial<DaemonConfig> = {}, recovering = false): Promise<void> {
    const { asns, families = [this.#over], neighbor, daemon, unnumbered } = this.#options;
    const config: DaemonConfig = {
      asn: asns?.theirs ?? theirAsn,
      routerId: there.ipv4,
      routes: [],
      ...daemon,
      neighbors: [
        {
          address: this.our,
          localAddress: this.their,
          asn: asns?.ours ?? ourAsn,
          families,
          ...(unnumbered && { interface: link, extendedNextHop: true }),
          ...neighbor,
        },
        ...(daemon?.neighbors ?? []),
      ],
      ...change,
    };
    this.#daemon = await this.#kind.start(this.theirs, config, recovering);
  }

  async startSpeaker(change: object = {}): Promise<void> {
    this.#speaker = await SpinelabSpeaker.start(this.ours, this.#speakerConfig(change));
  }

  /** What the speaker's file holds. */
  #speakerConfig(change: object, peerChange: object = {}): object {
    const { asns, families = [this.#over], peer, speaker, unnumbered } = this.#options;
    return {
      localAsn: asns?.ours ?? ourAsn,
      routerId: here.ipv4,
      listenPort: 179,
      ebgpRequiresPolicy: false,
      ...speaker,
      peers: [
        {
          ...(unnumbered ? { interface: link } : { address: this.their }),
          asn: asns?.theirs ?? theirAsn,
          families: families.map((family) => `${family}/unicast`),
          ...peer,
          ...peerChange,
        },
        ...(speaker?.peers ?? []),
      ],
      ...change,
    };
  }

  /** Gives the running speaker a file in which its side of the session is another. */
  reconfigureSpeaker(peer: object): void {
    this.ours.write("/run/speaker.yaml", JSON.stringify(this.#speakerConfig({}, peer)));
    this.speaker.process.signal("SIGHUP");
  }

  /** Kills the daemon and what belongs to it without a good-bye. */
  async killDaemon(): Promise<void> {
    const { process, helpers = [] } = this.daemon;
    await process.end("SIGKILL");
    await Promise.all(helpers.map((helper) => helper.end("SIGKILL")));
  }

  peer(): Promise<PeerStatus> {
    return this.speaker.peer(this.their);
  }

  /** Both say that there is a session. */
  async established(limitMs = 30_000): Promise<void> {
    await until(
      "Established on both sides",
      async () => {
        if (!(await this.speaker.established(this.their))) {
          throw new Error(`Spinelab: ${JSON.stringify(await this.peer())}`);
        }
        return this.daemon.established(this.our);
      },
      limitMs,
    );
  }

  /** The speaker has the prefix from the daemon, and the daemon from the speaker. */
  async exchanged({ ours, theirs }: { ours?: string; theirs?: string }): Promise<void> {
    if (theirs !== undefined) {
      await until(`Spinelab has ${theirs}`, async () =>
        (await this.speaker.received()).some(
          ({ prefix, stale, peerAddress }) =>
            prefix === theirs && !stale && peerAddress === this.their,
        ),
      );
    }
    if (ours !== undefined) {
      await until(`the daemon has ${ours}`, async () => (await this.daemon.paths(ours)).length > 0);
    }
  }

  /** Messages of one type that one side sent to the other. */
  sent(by: "daemon" | "speaker", type: MessageType): TappedMessage[] {
    const [from, to] = by === "daemon" ? [this.their, this.our] : [this.our, this.their];
    return this.tap
      .messages()
      .filter(
        (message) =>
          message.from === from && message.to === to && message.bytes[18] === messageTypes[type],
      );
  }

  /** Waits for a NOTIFICATION of this code and subcode, and returns its data. */
  async notification(by: "daemon" | "speaker", code: string): Promise<Uint8Array> {
    const found = await until(`NOTIFICATION ${code} by the ${by}`, () =>
      this.sent(by, "NOTIFICATION").find(({ bytes }) => `${bytes[19]}/${bytes[20]}` === code),
    );
    return found.bytes.subarray(21);
  }

  /** A counter of our kernel, as /proc/net/netstat names it. */
  async counter(name: string): Promise<number> {
    const lines = (await this.ours.run("cat", "/proc/net/netstat")).split("\n");
    const at = lines.findIndex((line) => line.split(" ").includes(name));
    if (at < 0) throw new Error(`this kernel has no counter ${name}`);
    return Number(lines[at + 1]!.split(" ")[lines[at]!.split(" ").indexOf(name)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ours[Symbol.asyncDispose]();
    await this.theirs[Symbol.asyncDispose]();
  }
}

/** RFC 4271 §4.1, RFC 2918 §3. */
const messageTypes = { OPEN: 1, UPDATE: 2, NOTIFICATION: 3, KEEPALIVE: 4, "ROUTE-REFRESH": 5 };
type MessageType = keyof typeof messageTypes;

/** Looks less often than tests of one lab do: five daemons are asked at the same time. */
export function until<T>(
  what: string,
  look: () => T | false | undefined | Promise<T | false | undefined>,
  limitMs = 20_000,
): Promise<T> {
  return untilEvery20Ms(what, look, limitMs, 100);
}
