import type { ServerResponse } from "node:http";
import { addedText } from "../../net/added-text.ts";
import type { Clock } from "../clock.ts";
import type { Pod } from "../kinds.ts";
import type { PodName, PodSandboxes } from "../pod-sandbox.ts";
import { badRequest } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";

/** How often a followed log is looked at again. */
const followEveryMs = 500;

/** GET …/pods/NAME/log with container, tailLines, limitBytes and follow. */
export async function servePodLogs(
  api: KubeApi,
  response: ServerResponse,
  pod: PodName,
  query: URLSearchParams,
  sandboxes: PodSandboxes,
  clock: Clock,
): Promise<void> {
  const object = api.get("pods", pod) as Pod;
  const names = object.spec.containers.map((container) => container.name);
  const container = query.get("container") ?? names[0]!;
  if (query.get("container") === null && names.length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${pod.name}, choose one of: [${names.join(" ")}]`,
    );
  }
  if (!names.includes(container)) {
    throw badRequest(`container ${container} is not valid for pod ${pod.name}`);
  }
  if (query.get("previous") === "true") {
    throw badRequest(`previous terminated container "${container}" in pod "${pod.name}" not found`);
  }
  const status = object.status?.containerStatuses?.find((one) => one.name === container);
  if (!status || (status.state.waiting && status.restartCount === 0)) {
    const why = status?.state.waiting?.reason ?? "ContainerCreating";
    throw badRequest(`container "${container}" in pod "${pod.name}" is waiting to start: ${why}`);
  }

  let written = await sandboxes.logs(pod, container);
  response.writeHead(200, { "content-type": "text/plain" });
  response.write(cut(written, query));
  const uid = object.metadata.uid;
  while (query.get("follow") === "true" && !response.destroyed) {
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(followEveryMs, resolve);
      response.once("close", () => {
        cancel();
        resolve();
      });
    });
    if (response.destroyed) return;
    const now = api.find("pods", pod) as Pod | undefined;
    if (now?.metadata.uid !== uid) break;
    const all = await sandboxes.logs(pod, container);
    response.write(addedText(written, all));
    written = all;
    if (now?.status?.phase === "Succeeded" || now?.status?.phase === "Failed") break;
  }
  response.end();
}

function cut(log: string, query: URLSearchParams): string {
  let text = log;
  const tailLines = query.get("tailLines");
  if (tailLines !== null && /^\d+$/.test(tailLines)) {
    const lines = text.split("\n");
    const ended = lines.at(-1) === "";
    if (ended) lines.pop();
    const tail = Number(tailLines) === 0 ? [] : lines.slice(-Number(tailLines));
    text = tail.join("\n") + (ended && tail.length > 0 ? "\n" : "");
  }
  const limitBytes = query.get("limitBytes");
  if (limitBytes !== null && /^\d+$/.test(limitBytes)) {
    text = Buffer.from(text).subarray(0, Number(limitBytes)).toString();
  }
  return text;
}
