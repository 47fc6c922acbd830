import { type Clock, systemClock } from "../clock.ts";
import type { PodSandboxes } from "../pod-sandbox.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";
import { builtInResources } from "./built-in-resources.ts";
import { ciliumResources } from "./cilium-resources.ts";
import { KubeApi } from "./kube-api.ts";

/** For tests: a server on a free port of 127.0.0.1 that fails the test on a defect of its own. */
export async function startTestServer(
  options: {
    token?: string;
    tls?: { key: string; cert: string };
    sandboxes?: PodSandboxes;
    port?: number;
    clock?: Clock;
  } = {},
): Promise<{ api: KubeApi; server: ApiServer; url: string; errors: unknown[] }> {
  const { token, tls, sandboxes, port = 0, clock = systemClock } = options;
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock,
  });
  const errors: unknown[] = [];
  const server = await startApiServer({
    api,
    listeners: [
      { host: "127.0.0.1", port, ...(token !== undefined && { token }), ...(tls && { tls }) },
    ],
    ...(sandboxes && { sandboxes }),
    onError: (error) => errors.push(error),
  });
  return { api, server, url: server.urls[0]!, errors };
}

/** Looks again until it holds; says what it last saw where it never does. */
export async function eventually<T>(look: () => T, holds: (seen: T) => boolean): Promise<T> {
  const deadlineMs = performance.now() + 5000;
  for (;;) {
    const seen = look();
    if (holds(seen)) return seen;
    if (performance.now() > deadlineMs) throw new Error(`last saw ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
