import { Duplex } from "node:stream";

/** A connection to something that answers each whole request, ended by `end`, with bytes. */
export function answeringSocket(end: string, answer: (request: string) => Buffer | string): Duplex {
  let pending = "";
  return new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      pending += chunk.toString("utf8");
      const requests = pending.split(end);
      pending = requests.pop()!;
      for (const request of requests) this.push(answer(request));
      callback();
    },
    final(callback) {
      this.push(null);
      callback();
    },
  });
}
