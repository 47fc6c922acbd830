import {
  Agent,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import type { ClusterAccess } from "./cluster-access.ts";

/** A request that nobody answers is given up after so long; watches are exempt. */
const requestTimeoutMs = 30_000;

export type HttpRequest = {
  method: string;
  /** With its query: `/api/v1/pods?watch=true`. */
  path: string;
  body?: { type: string; text: string };
  signal?: AbortSignal;
  /** The answer goes on for as long as the server likes. */
  streaming?: boolean;
};

/** Requests to one API server over kept-alive connections, on node:http alone. */
export class HttpConnection {
  readonly #access: ClusterAccess;
  readonly #url: URL;
  readonly #transport: Promise<Transport>;

  constructor(access: ClusterAccess) {
    this.#access = access;
    this.#url = new URL(access.server);
    this.#transport = transportFor(this.#url, access);
  }

  /** Resolves with the head of the answer, whatever its status; rejects where none came. */
  async send(wanted: HttpRequest): Promise<IncomingMessage> {
    try {
      return await this.#once(wanted);
    } catch (error) {
      // The server closed an idle connection just as it was used again: it has seen nothing of this.
      if (error instanceof StaleConnection) return this.#once(wanted);
      throw error;
    }
  }

  /** Ends idle connections; those in use end with their requests. */
  close(): void {
    void this.#transport.then(({ agent }) => agent.destroy());
  }

  async #once(wanted: HttpRequest): Promise<IncomingMessage> {
    const { request: open, agent } = await this.#transport;
    const { method, path, body, signal, streaming } = wanted;
    const token = this.#access.token?.();
    const options: RequestOptions = {
      method,
      protocol: this.#url.protocol,
      hostname: this.#url.hostname.replace(/^\[|\]$/g, ""),
      port: this.#url.port,
      path: this.#url.pathname.replace(/\/$/, "") + path,
      agent,
      headers: {
        accept: "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && {
          "content-type": body.type,
          "content-length": Buffer.byteLength(body.text),
        }),
      },
      ...(signal && { signal }),
    };
    return new Promise((resolve, reject) => {
      const request = open(options, resolve);
      if (!streaming) {
        request.setTimeout(requestTimeoutMs, () => {
          request.destroy(new Error(`${method} ${path}: no answer within ${requestTimeoutMs} ms`));
        });
      }
      request.on("error", (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && error.code === "ECONNRESET";
        reject(stale ? new StaleConnection("connection reset", { cause: error }) : error);
      });
      request.end(body?.text);
    });
  }
}

type Transport = { request: typeof httpRequest; agent: Agent };

/** TLS is loaded where it is used only: it costs each process some 15 ms and 5 MB. */
async function transportFor(url: URL, access: ClusterAccess): Promise<Transport> {
  const keepAlive = { keepAlive: true, keepAliveMsecs: 10_000 };
  if (url.protocol === "http:") return { request: httpRequest, agent: new Agent(keepAlive) };
  const https = await import("node:https");
  const agent = new https.Agent({ ...keepAlive, ...tlsOptions(access) });
  return { request: https.request as typeof httpRequest, agent };
}

class StaleConnection extends Error {}

function tlsOptions(access: ClusterAccess) {
  const { certificateAuthority, clientCertificate, clientKey, tlsServerName } = access;
  return {
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
    ...(clientCertificate !== undefined && { cert: clientCertificate }),
    ...(clientKey !== undefined && { key: clientKey }),
    ...(tlsServerName !== undefined && { servername: tlsServerName }),
    ...(access.skipTlsVerify && { rejectUnauthorized: false }),
  };
}

export async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}
