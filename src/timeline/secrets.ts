/**
 * The lines of a router's configuration that hold a secret in clear, up to where it begins: FRR's neighbors, OSPF
 * interfaces, key chains and terminals, BIRD's and GoBGP's passwords.
 */
const beforeSecrets = [
  /\bneighbor \S+ password /,
  /\bip ospf (?:message-digest-key \d+ md5|authentication-key) /,
  /\bkey-string /,
  /^\s*(?:enable )?password /,
  /[pP]assword(?:["']?\s*[=:]\s*|\s+)(?=["'])/,
];

// A secret of FRR goes on to the end of the line, or of the command in quotes; one in quotes to their end.
const secrets = new RegExp(
  `(${beforeSecrets.map(({ source }) => source).join("|")})("[^"\\n]*"|'[^'\\n]*'|[^'"\\n]+)`,
  "gm",
);

/** The text with `<hidden>` in place of each secret that a configuration or a command in it has. */
export function hideSecrets(text: string): string {
  return /[pP]assword|-key|key-/.test(text) ? text.replace(secrets, "$1<hidden>") : text;
}
