import { createServer, type Server } from "node:http";
import { isIP } from "node:net";
import { listen } from "../sys/listen.ts";
import type { Log } from "./log.ts";

/** What the probes of a pod ask. */
export type Health = {
  /** Every informer has its first list: what is configured is known. */
  ready: () => boolean;
};

/**
 * `/healthz`: 200 as long as the process answers at all. `/readyz`: 200 once it knows its
 * configuration, 503 until then. An API server that is away later changes neither: sessions go on.
 */
export async function serveHealth(at: string, health: Health, log: Log): Promise<Server> {
  const { host, port } = hostAndPort(at);
  const server = createServer((request, response) => {
    const path = request.url?.replace(/\?.*$/, "");
    const answer = (status: number, text: string) => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") answer(405, "GET only");
    else if (path === "/healthz") answer(200, "ok");
    else if (path === "/readyz") {
      if (health.ready()) answer(200, "ok");
      else answer(503, "waiting for the first lists of the Kubernetes API");
    } else answer(404, "/healthz or /readyz");
  });
  await listen(server, { host, port }, (error) => log("warn", `probes: ${error.message}`));
  return server;
}

/** `127.0.0.1:9879` or `[::1]:9879`. Throws for anything else. */
export function hostAndPort(at: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(at) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  if (isIP(host) === 0 || !Number.isInteger(port) || port > 65_535) {
    throw new Error(`${at}: expected ADDRESS:PORT, for example 127.0.0.1:9879`);
  }
  return { host, port };
}
