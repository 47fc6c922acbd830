import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AdvertisedRoute, PeerStatus, ReceivedRoute } from "../../src/bgp/speaker/views.ts";
import type { Daemon, Sandbox } from "./sandbox.ts";

const launcher = fileURLToPath(new URL("../../bin/spinelab.mjs", import.meta.url));

/** A `spinelab speaker` as a user starts it, seen through its admin socket. */
export class SpinelabSpeaker {
  readonly process: Daemon;
  readonly #socket: string;

  private constructor(process: Daemon, socket: string) {
    this.process = process;
    this.#socket = socket;
  }

  /** `config` is what its YAML file holds. `name`: of its files, where a sandbox has several. */
  static async start(sandbox: Sandbox, config: object, name = "speaker"): Promise<SpinelabSpeaker> {
    const [file, socket] = [`/run/${name}.yaml`, `/run/${name}.sock`];
    sandbox.write(file, JSON.stringify(config));
    const argv = [launcher, "speaker", "-f", file, "--socket", socket];
    const running = await sandbox.spawn([process.execPath, ...argv], { NO_COLOR: "1" });
    await running.answers(() => running.log.includes("speaker is running"));
    return new SpinelabSpeaker(running, sandbox.path(socket));
  }

  /** By its address, or by its name, which an unnumbered one has of its interface. */
  async peer(of: string): Promise<PeerStatus> {
    const peers = await this.#ask<PeerStatus>({ get: "peers" });
    const peer = peers.find(({ name, address }) => address === of || name === of);
    if (peer === undefined) throw new Error(`the speaker has no peer ${of}`);
    return peer;
  }

  async established(address: string): Promise<boolean> {
    return (await this.peer(address)).state === "Established";
  }

  received(): Promise<ReceivedRoute[]> {
    return this.#ask({ get: "routes", kind: "received" });
  }

  advertised(): Promise<AdvertisedRoute[]> {
    return this.#ask({ get: "routes", kind: "advertised" });
  }

  async #ask<Row>(request: object): Promise<Row[]> {
    const socket = connect(this.#socket);
    try {
      socket.write(`${JSON.stringify(request)}\n`);
      for await (const line of createInterface({ input: socket })) {
        const answer = JSON.parse(line) as { ok?: Row[]; error?: string };
        if (answer.ok === undefined) throw new Error(`admin socket: ${answer.error}`);
        return answer.ok;
      }
      throw new Error(`admin socket closed: ${this.process.log.slice(-500)}`);
    } finally {
      socket.destroy();
    }
  }
}
