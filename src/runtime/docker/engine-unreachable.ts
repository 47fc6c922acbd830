/** An error of a socket or of TLS, or an answer that says the connection was of the wrong kind. */
type Failure = Error & { code?: string };

type Words = { message: string; remedy: string };

/** Why there is no connection to the engine at `where`; undefined where that is not what failed. */
export function unreachable(failure: Failure, where: string): Words | undefined {
  return tlsWords(failure, where) ?? socketWords(failure, where);
}

function tlsWords({ code = "", message }: Failure, where: string): Words | undefined {
  if (certificateCodes.has(code)) {
    return {
      message: `${where}: TLS refused: the engine's certificate is not trusted (${message})`,
      remedy:
        "put the CA that signed it as ca.pem into DOCKER_CERT_PATH, and use the name that it is for",
    };
  }
  // The engine ends the handshake by an alert (RFC 8446 §6.2) where it wants another certificate.
  if (/_ALERT_|certificate required|bad certificate|unknown ca/i.test(`${code} ${message}`)) {
    return {
      message: `${where}: TLS refused: the engine does not accept this client's certificate (${code})`,
      remedy: "put cert.pem and key.pem, signed by the engine's CA, into DOCKER_CERT_PATH",
    };
  }
  if (code === "EPROTO" || /^ERR_(?:SSL|OSSL)_/.test(code)) {
    return {
      message: `${where}: what answers there speaks no TLS that fits (${code})`,
      remedy: "unset DOCKER_TLS_VERIFY if the engine speaks plain HTTP (as a rule on port 2375)",
    };
  }
  if (message.includes("Client sent an HTTP request to an HTTPS server")) {
    return {
      message: `${where}: TLS refused: the engine wants TLS, and this was plain HTTP`,
      remedy:
        "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem",
    };
  }
  return undefined;
}

/** OpenSSL's verdicts on a certificate as Node names them, and Node's own on the name in it. */
const certificateCodes = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "CERT_SIGNATURE_FAILURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

function socketWords({ code = "", message }: Failure, where: string): Words | undefined {
  const network = "check the address of the engine and the network";
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return {
        message: `no Docker engine is running at ${where}`,
        remedy:
          "start it (sudo systemctl start docker, or Docker Desktop), or name another by --docker",
      };
    case "EACCES":
    case "EPERM":
      return {
        message: `no permission to use the Docker engine at ${where}`,
        remedy:
          "join the group docker (sudo usermod -aG docker $USER, then log in again), or use sudo",
      };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return { message: `${where}: the name is not known`, remedy: network };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
      return { message: `${where}: no way to that machine (${code})`, remedy: network };
    case "ECONNRESET":
    case "EPIPE":
      return closed(where);
    case "ABORT_ERR":
      return {
        message: `something listens at ${where}, but it does not answer`,
        remedy: "look at the engine's log (journalctl -u docker), and restart it",
      };
    default:
      return message.includes("socket hang up") ? closed(where) : undefined;
  }
}

function closed(where: string): Words {
  return {
    message: `the Docker engine at ${where} closed the connection: it was stopped or restarted`,
    remedy: "see that it runs (docker version), then take the lab down and deploy it again",
  };
}
