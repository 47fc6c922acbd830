import { once } from "node:events";
import { BgpTraffic, linuxCooked } from "../observe/bgp-traffic.ts";
import { kernelAddresses } from "../observe/kernel.ts";
import { PcapReader } from "../observe/pcap.ts";
import type { UpdateCounts } from "../observe/updates.ts";
import { interrupt } from "../runtime/interrupt.ts";
import type { Runtime, RunningCommand } from "../runtime/port.ts";

/** Room for 8 MiB of what comes while tcpdump has to wait for a processor. */
const argv =
  "tcpdump -i any -y LINUX_SLL -B 8192 --immediate-mode -U -Z root -w - tcp port 179".split(" ");

/** UPDATE messages of a node as its packets tell, for a speaker that does not count them. */
export class UpdateTraffic {
  readonly #tcpdump: RunningCommand;
  readonly #traffic: BgpTraffic;
  readonly #read: Promise<unknown>;
  #ended: Promise<UpdateCounts> | undefined;
  /** On stderr. */
  #said = "";

  private constructor(tcpdump: RunningCommand, traffic: BgpTraffic) {
    this.#tcpdump = tcpdump;
    this.#traffic = traffic;
    const pcap = new PcapReader();
    this.#read = Promise.all([once(tcpdump.stdout!, "close"), once(tcpdump.stderr!, "close")]);
    this.#read.catch(() => undefined); // Whoever ends it is told.
    tcpdump.stdout!.on("data", (bytes: Buffer) => {
      const packets = pcap.push(bytes);
      if (pcap.linkType !== linuxCooked) return;
      for (const packet of packets) traffic.packet(packet);
    });
  }

  /** Resolves when packets are counted. Rejects where tcpdump cannot, with what it said. */
  static async begin(runtime: Runtime, node: string): Promise<UpdateTraffic> {
    const addresses = await kernelAddresses(runtime, { node });
    const own = new Set(addresses.map(({ address }) => address));
    const io = { stdout: "pipe", stdin: "ignore", stderr: "pipe" } as const;
    const tcpdump = runtime.spawn({ node }, argv, io);
    const counting = new UpdateTraffic(tcpdump, new BgpTraffic(own));
    await new Promise<void>((resolve, reject) => {
      tcpdump.stderr!.setEncoding("utf8").on("data", (text: string) => {
        counting.#said += text;
        if (counting.#said.includes("listening on")) resolve();
      });
      const fail = () =>
        reject(new Error(`tcpdump: ${counting.#said.trim() || "it is not there"}`));
      // What it said may come after its end.
      const ended = () => counting.#read.then(fail, fail);
      tcpdump.ended.then(ended, ended);
    });
    return counting;
  }

  /** What was counted. Rejects where some packets were lost to it. A second call waits for the first. */
  end(): Promise<UpdateCounts> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<UpdateCounts> {
    interrupt(this.#tcpdump);
    await Promise.all([this.#tcpdump.ended, this.#read]);
    const [lost, count] = /(\d+) packets? dropped by kernel/.exec(this.#said) ?? [];
    if (count !== undefined && count !== "0") throw new Error(`tcpdump: ${lost}`);
    return this.#traffic.updates;
  }
}
