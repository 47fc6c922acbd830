/** What a client needs to know of a cluster; PEM texts. */
export type KubeconfigOptions = {
  /** Of cluster, user and context. */
  name: string;
  /** https://127.0.0.1:6443. kubectl sends no token over plain HTTP. */
  server: string;
  token?: string;
  certificateAuthority?: string;
  namespace?: string;
};

/** The text of a kubeconfig file (v1 Config): JSON, which every YAML reader takes. */
export function kubeconfigText(options: KubeconfigOptions): string {
  const { name, server, token, certificateAuthority, namespace } = options;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server,
          ...(certificateAuthority !== undefined && {
            "certificate-authority-data": Buffer.from(certificateAuthority).toString("base64"),
          }),
        },
      },
    ],
    users: [{ name, user: token === undefined ? {} : { token } }],
    contexts: [
      {
        name,
        context: { cluster: name, user: name, ...(namespace !== undefined && { namespace }) },
      },
    ],
    "current-context": name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
