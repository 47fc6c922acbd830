import type { CheckHandler } from "../check.ts";
import { resourceText } from "./resource.ts";

type Condition = { type?: string; status?: string; reason?: string; message?: string };

/** One of a Kubernetes object's `status.conditions`. */
export const condition: CheckHandler<"condition"> = {
  text: (check) => `condition ${check.type} of ${resourceText(check.resource)}`,

  expected: ({ status, reason }) => (reason === undefined ? status : `${status}, reason ${reason}`),

  async look({ kube }, check) {
    const object = await kube.get(check.resource);
    if (object === undefined) return { ok: false, seen: `no ${resourceText(check.resource)}` };
    const { conditions = [] } = (object.status ?? {}) as { conditions?: Condition[] };
    const found = conditions.find((one) => one.type === check.type);
    if (found === undefined) return { ok: false, seen: `no condition ${check.type}` };
    const reasonOk = check.reason === undefined || found.reason === check.reason;
    const message = found.message ? `: ${found.message}` : "";
    return {
      ok: found.status === check.status && reasonOk,
      seen: `${found.status}, reason ${found.reason ?? "none"}${message}`,
    };
  },
};
